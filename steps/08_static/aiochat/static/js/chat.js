// Makes the chat live. Without this file the page still works: the form posts, the page reloads.
// Every message has a growing id: after a pause we ask for what came after the last one. Ours also
// carry a client_id: we send them until the server acknowledges them, and it stores them once.

const main = document.querySelector("main");
const scroller = document.querySelector("#history");
const list = document.querySelector("#messages");
const waiting = document.querySelector("#waiting");
const older = document.querySelector("#older");
const newer = document.querySelector("#newer");
const people = document.querySelector("#people");
const status = document.querySelector("#status");
const form = document.querySelector("#say");
const me = main.dataset.user;

const copy = (id) => document.querySelector(id).content.firstElementChild.cloneNode(true);
const goToLogin = () => location.assign(main.dataset.login);

// A screen reader reads every change of a status, even to the same words.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// --- One message ---

const GROUP_WITHIN = 5 * 60_000; // milliseconds
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

const idOf = (item) => Number(item?.dataset.id ?? 0);
const author = (item) => item.querySelector(".user").textContent;
const sentAt = (item) => new Date(item.querySelector("time").dateTime);

function build({ id, user, text, at }) {
  const item = copy("#message-template");
  if (id) item.dataset.id = id;
  item.classList.toggle("own", user === me);
  item.querySelector("time").dateTime = at;
  // textContent, never innerHTML: what people write is shown, not run.
  item.querySelector(".user").textContent = user;
  item.querySelector(".text").textContent = text;
  return item;
}

// Shows the time in the reader's zone, and marks where the day changes or the author stays.
function dress(item) {
  const at = sentAt(item);
  const pageAbove = item.closest(".page").previousElementSibling;
  const before = item.previousElementSibling ?? pageAbove.querySelector("li:last-child");
  item.querySelector("time").textContent = clock.format(at);
  item.dataset.day = calendar.format(at);
  const sameDay = item.dataset.day === before?.dataset.day;
  const sameAuthor = sameDay && author(item) === author(before);
  item.classList.toggle("new-day", !sameDay);
  item.classList.toggle("follows", sameAuthor && at - sentAt(before) < GROUP_WITHIN);
}

// --- The list: in the order of ids, each message once ---

function show(message) {
  if (message.user === me) settle(message.client_id);
  let before = list.lastElementChild;
  while (idOf(before) > message.id) before = before.previousElementSibling;
  if (idOf(before) === message.id) return; // it is here already
  if (!before && list.firstElementChild) return; // it belongs to an older page
  insert(message, before);
  if (!atEnd) newer.hidden = false;
}

function insert(message, before) {
  const item = build(message);
  if (before) before.after(item);
  else list.prepend(item);
  dress(item);
  const next = item.nextElementSibling ?? waiting.firstElementChild;
  if (next) dress(next);
}

// --- Scrolling: the box is laid out from the bottom (see chat.css), so 0 is the newest ---

const NEAR_END = 40; // pixels
const scrollToEnd = () => (scroller.scrollTop = 0);
// From the top of the list to the end of what waits below it; older pages do not count.
const content = scroller.firstElementChild;
const heightBelow = () => content.offsetTop + content.offsetHeight - list.offsetTop;
let atEnd = true;
let height = heightBelow();

function noticeEnd() {
  atEnd = scroller.scrollTop > -NEAR_END;
  if (!atEnd) return;
  moveFocusFrom(newer);
  newer.hidden = true;
}

// Lets the list grow below without moving what somebody is reading further up.
function keepPlace() {
  const growth = heightBelow() - height;
  height += growth;
  if (!atEnd) scroller.scrollTop -= growth;
}

// What vanishes would take the keyboard's focus with it, and the arrow keys would move nothing.
function moveFocusFrom(element) {
  if (element.contains(document.activeElement)) scroller.focus();
}

// --- Older messages, when the reader reaches the top ---

const loadAtTop = (entries) => entries.some((top) => top.isIntersecting) && loadOlder();
let isLoading = false;

async function fetchHistory(query) {
  const response = await fetch(main.dataset.history + query);
  if (response.redirected) goToLogin(); // we have been signed out
  if (response.redirected || !response.ok) throw new Error("The history did not come.");
  return (await response.json()).messages;
}

async function loadOlder() {
  if (isLoading) return;
  isLoading = true;
  try {
    const messages = await fetchHistory(`?before=${idOf(scroller.querySelector("[data-id]"))}`);
    if (messages.length > 0) showOlder(messages);
    else moveFocusFrom(older);
    older.hidden = messages.length === 0;
    older.textContent = "Older messages";
  } catch {
    older.textContent = "Could not load older messages. Try again";
  } finally {
    isLoading = false;
  }
}

// An older page is a list of its own, outside the live region: nobody wants it read aloud.
function showOlder(messages) {
  const page = copy("#page-template");
  page.firstElementChild.append(...messages.map(build));
  older.after(page);
  page.querySelectorAll("li").forEach(dress);
  dress(page.nextElementSibling.querySelector("li"));
}

// --- Outbox: what we wrote, until the server acknowledges it ---

const SILENCE = 10_000; // milliseconds

// sessionStorage survives a reload, and no other tab sees it.
const storageKey = `outbox:${me}`;
const outbox = new Map(JSON.parse(sessionStorage.getItem(storageKey)) ?? []);
const saveOutbox = () => sessionStorage.setItem(storageKey, JSON.stringify([...outbox]));
const unsent = () => [...outbox.values()].filter((entry) => !entry.reason);
const itemOf = (clientId) => waiting.querySelector(`[data-client-id="${clientId}"]`);

function write(text) {
  // crypto.randomUUID is missing where the page comes over plain http from another machine.
  const client_id = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const entry = { client_id, text, at: new Date().toISOString() };
  outbox.set(client_id, entry);
  saveOutbox();
  showWaiting(entry);
  send(entry);
}

function send(entry) {
  if (!isOpen()) return; // it goes out as soon as there is a connection
  const used = socket;
  used.send(JSON.stringify({ type: "message", text: entry.text, client_id: entry.client_id }));
  // A pulled cable makes no sound: that nothing comes back is the only sign of it.
  setTimeout(() => unsent().includes(entry) && lose(used), SILENCE);
}

function showWaiting(entry) {
  const item = build({ ...entry, user: me });
  item.dataset.clientId = entry.client_id;
  item.append(copy("#note-template"));
  item.querySelector(".retry").addEventListener("click", () => retry(entry));
  item.querySelector(".remove").addEventListener("click", () => settle(entry.client_id));
  waiting.append(item);
  dress(item);
  showState(entry);
}

function showState({ client_id, reason }) {
  const note = itemOf(client_id).querySelector(".note");
  const state = isOpen() ? "Sending…" : "Waiting for the connection";
  setText(note.querySelector("span"), reason ?? state);
  note.classList.toggle("refused", Boolean(reason));
}

function settle(clientId) {
  if (!outbox.delete(clientId)) return;
  saveOutbox();
  const item = itemOf(clientId);
  const next = item.nextElementSibling;
  moveFocusFrom(item);
  item.remove();
  if (next) dress(next);
}

function refuse({ client_id, reason }) {
  const entry = outbox.get(client_id);
  if (!entry) return setText(status, reason);
  entry.reason = reason;
  saveOutbox();
  showState(entry);
}

function retry(entry) {
  moveFocusFrom(itemOf(entry.client_id));
  delete entry.reason;
  saveOutbox();
  showState(entry);
  send(entry);
}

// --- Who is here ---

let here = [];
function showPeople(names) {
  here = [...new Set(names)].sort((a, b) => a.localeCompare(b));
  const items = here.map((name) => {
    const textContent = name === me ? `${name} (you)` : name;
    return Object.assign(document.createElement("li"), { dir: "auto", textContent });
  });
  people.querySelector("ul").replaceChildren(...items);
  people.hidden = false;
}

// --- The connection ---

// Why a socket was closed (RFC 6455, section 7.4): the server ended our session, or refused a frame.
const SIGNED_OUT = 1008;
const TOO_BIG = 1009;

const NO_CONNECTION = "No connection. What you write is kept and sent later.";
let socket = null;
let failures = 0;
let nextTry;
let trouble = NO_CONNECTION;
const isOpen = () => socket?.readyState === WebSocket.OPEN;

const handlers = {
  message: show,
  error: refuse,
  here: ({ users }) => {
    failures = 0; // not before: a server may accept a socket and fail at once
    trouble = NO_CONNECTION;
    showPeople(users);
  },
  joined: ({ user }) => showPeople([...here, user]),
  left: ({ user }) => showPeople(here.filter((name) => name !== user)),
};
const receive = (event) => handlers[event.type]?.(event);

function connect() {
  clearTimeout(nextTry);
  if (socket) return;
  const query = new URLSearchParams({ after: idOf(list.lastElementChild), user: me });
  const url = new URL(`${main.dataset.socket}?${query}`, location);
  url.protocol = url.protocol.replace("http", "ws");
  const opened = new WebSocket(url);
  opened.onopen = begin;
  // By the protocol a frame may hold several events in an array; our server sends one in each.
  opened.onmessage = ({ data }) => [JSON.parse(data)].flat().forEach(receive);
  opened.onclose = ({ code }) => lose(opened, code);
  socket = opened;
}

function begin() {
  setText(status, "Connected");
  unsent().forEach(showState);
  unsent().forEach(send);
}

function lose(lost, code) {
  if (lost !== socket) return; // we have given it up already
  socket = null;
  lost.onmessage = null;
  lost.close();
  if (code === SIGNED_OUT) return goToLogin();
  if (code === TOO_BIG) unsent().forEach((entry) => refuse({ ...entry, reason: "Too big to send." }));
  setText(status, trouble);
  unsent().forEach(showState);
  tryLater();
}

// Waits a random part of 1, 2, 4 … 30 s, so that not everybody comes back in the same moment.
function tryLater() {
  const longest = Math.min(30_000, 1000 * 2 ** failures);
  nextTry = setTimeout(connect, Math.random() * longest);
  failures += 1;
  if (failures > 2) askWhy().catch(() => (trouble = NO_CONNECTION));
}

// The browser does not say how a handshake was answered. An ordinary request is answered alike,
// or with 400: then a socket would have been let in.
async function askWhy() {
  const response = await fetch(main.dataset.socket);
  if (response.redirected) return goToLogin(); // we have been signed out
  trouble = response.status === 400 ? NO_CONNECTION : (await response.json()).reason;
  if (!isOpen()) setText(status, trouble);
}

// --- Start ---

function submit(event) {
  event.preventDefault();
  const text = form.text.value.trim();
  if (text) write(text);
  form.reset();
  scrollToEnd();
}

form.addEventListener("submit", submit);
form.text.addEventListener("keydown", (event) => {
  // While a word is being composed (Japanese, Chinese …) Enter chooses it; Safari says 229.
  const composing = event.isComposing || event.keyCode === 229;
  if (event.key === "Enter" && !event.shiftKey && !composing) submit(event);
});
newer.addEventListener("click", scrollToEnd);
older.addEventListener("click", loadOlder);
scroller.addEventListener("scroll", noticeEnd);
new ResizeObserver(keepPlace).observe(content);
addEventListener("online", connect);
addEventListener("offline", () => socket && lose(socket));
document.addEventListener("visibilitychange", () => document.hidden || connect());
// Signing out closes the socket first, which would lead away from the answer.
document.querySelector(".account").addEventListener("submit", () => {
  if (socket) socket.onclose = null;
});

document.querySelector("#hint").textContent = "Enter sends, Shift+Enter starts a new line.";
list.querySelectorAll("li").forEach(dress);
outbox.forEach((entry) => showWaiting(entry));
older.hidden = !list.firstElementChild;
new IntersectionObserver(loadAtTop, { root: scroller }).observe(older);
connect();
