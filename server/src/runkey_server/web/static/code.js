// A link's code stands behind the # of the address, which a browser sends to nobody. Put it into the form, and out of the address and of sight.
const field = document.getElementById("code");
const code = window.location.hash.slice(1);
if (field && code) {
  field.value = code;
  field.closest(".from-link").hidden = true;
  window.history.replaceState(null, "", window.location.pathname);
  const next = document.getElementById("name") || document.getElementById("password");
  if (next) next.focus();
}
// Opening something needs no other word: send the code at once.
const form = document.getElementById("send-code");
if (form && field && field.value) form.requestSubmit();
