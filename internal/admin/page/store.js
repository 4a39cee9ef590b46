// The state of the page: answers of the server, by path, and how fresh they are.

import { Refusal, follow, get } from "./api.js";

const mostEvents = 500;
const leastPause = 400; // ms between two reads of the same paths
const retryAfter = [500, 1000, 2000, 3000]; // ms, the last one for all further attempts

export class Store {
  link = "connecting"; // connecting, up, lost or token
  asOf = null; // when the answers were read
  answers = new Map(); // by path: the last answer; null: this server has no such path
  missing = new Map(); // by path: the refusal of a path that a view needs
  events = []; // the newest first
  opened = new Date();
  #changed;
  #needs = () => []; // [path, optional] of the current view
  #busy = false;
  #again = false;
  #wake = () => {};
  #lastID = "";

  constructor(changed) {
    this.#changed = changed;
  }

  // need says which paths the current view needs, and reads them without a pause.
  need(needs) {
    this.#needs = needs;
    if (this.link !== "up") return;
    if (this.#busy) this.#again = true; // a read under way may have older answers
    this.#readAll();
  }

  get(path) {
    return this.answers.get(path);
  }

  // refresh reads the needed paths again. Requests during a read lead to one more read. The pause
  // between two reads grows with their duration, so that a large fleet leaves the page time.
  async refresh() {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    const began = performance.now();
    await this.#readAll();
    setTimeout(() => {
      this.#busy = false;
      if (this.#again) {
        this.#again = false;
        this.refresh();
      }
    }, Math.max(leastPause, 3 * (performance.now() - began)));
  }

  async #readAll() {
    try {
      await Promise.all(this.#needs().map((n) => this.#read(n)));
      this.asOf = new Date();
      this.#set("up");
    } catch (e) {
      this.#set(e.status === 401 ? "token" : "lost");
    }
  }

  async #read({ path, optional }) {
    try {
      this.answers.set(path, await get(path));
      this.missing.delete(path);
    } catch (e) {
      if (!(e instanceof Refusal) || e.status === 401 || e.status >= 502) throw e;
      this.answers.set(path, null);
      if (!optional) this.missing.set(path, e);
    }
  }

  // forget drops the answers that no view needs any more.
  forget() {
    const needed = new Set(this.#needs().map((n) => n.path));
    for (const path of this.answers.keys()) if (!needed.has(path)) this.answers.delete(path);
  }

  #set(link) {
    this.link = link;
    this.#changed();
  }

  // retryNow ends the pause before the next attempt to reach the server.
  retryNow() {
    this.#wake();
  }

  // run follows the events for as long as the page is open.
  async run() {
    for (let attempt = 0; ; attempt++) {
      try {
        await follow(this.#lastID, () => {
          attempt = 0;
          this.refresh();
        }, (e) => this.#take(e));
        this.#set("lost");
      } catch (e) {
        this.#set(e.status === 401 ? "token" : "lost");
      }
      const pause = retryAfter[Math.min(attempt, retryAfter.length - 1)];
      await new Promise((next) => {
        this.#wake = next;
        setTimeout(next, pause);
      });
    }
  }

  // saysNothingNew says whether an event repeats the last one of its object, as during a soak.
  #saysNothingNew(event) {
    const said = ({ id, time, ...rest }) => JSON.stringify(rest);
    const last = this.events.find((e) => e.type === event.type && e.name === event.name);
    return last !== undefined && said(last) === said(event);
  }

  #take(event) {
    if (event.id) this.#lastID = event.id;
    if (!this.#saysNothingNew(event)) this.events.unshift(event);
    this.events.length = Math.min(this.events.length, mostEvents);
    this.refresh();
    this.#changed();
  }
}
