// The dialog that asks before an action. It says what will happen, and has the command line.

import { change } from "./api.js";
import { command } from "./parts.js";
import { toast } from "./toast.js";
import { h, patch } from "./vdom.js";

// confirm shows an action in a dialog, and calls done after the server has carried it out.
export function confirm(action, done) {
  const opener = document.activeElement;
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "dialog-title");
  const values = Object.fromEntries((action.fields ?? []).map((f) => [f.id, f.value]));
  let sending = false, refusal = null;

  const submit = async (e) => {
    e.preventDefault();
    if (sending) return;
    sending = true;
    refusal = null;
    draw();
    try {
      const { method, path, body } = action.request(values);
      await change(method, path, body);
      dialog.close();
      toast(action.done);
      done(action);
    } catch (error) {
      sending = false;
      refusal = error;
      draw();
    }
  };
  const draw = () => patch(dialog, content(action, values, { sending, refusal, submit, draw, close: () => dialog.close() }));
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener?.isConnected) opener.focus();
  });
  draw();
  document.body.append(dialog);
  dialog.showModal();
}

function content(action, values, { sending, refusal, submit, draw, close }) {
  const effect = typeof action.effect === "function" ? action.effect(values) : action.effect;
  return h("form", { method: "dialog", onsubmit: submit },
    h("h2", { id: "dialog-title" }, action.title),
    ...effect.map((text) => h("p", null, text)),
    ...(action.fields ?? []).map((f) => field(f, values, draw)),
    h("p", { class: "soft" }, "The same as a command:"),
    command(action.command(values)),
    refusal ? h("div", { class: "note bad", role: "alert" }, h("p", null, refusal.message), refusal.hint ? h("p", null, refusal.hint) : null) : null,
    h("div", { class: "buttons" },
      h("button", { type: "button", onclick: close }, "Cancel"),
      h("button", { type: "submit", class: "primary " + (action.tone ?? ""), disabled: sending, "data-confirm": action.id }, action.label)));
}

function field(f, values, draw) {
  const id = "field-" + f.id;
  const take = (value) => {
    values[f.id] = value;
    draw();
  };
  if (f.kind === "check") {
    return h("label", { class: "check" }, h("input", { id, type: "checkbox", checked: values[f.id], onchange: (e) => take(e.target.checked) }), " ", f.label);
  }
  if (f.kind === "choice") {
    return h("label", { class: "field" }, f.label, h("select", { id, onchange: (e) => take(e.target.value) },
      ...f.choices.map((c) => h("option", { value: c.value, selected: c.value === values[f.id] }, c.text))));
  }
  return h("label", { class: "field" }, f.label, h("input", { id, type: "text", required: f.required, autocomplete: "off", value: values[f.id], oninput: (e) => take(e.target.value) }));
}
