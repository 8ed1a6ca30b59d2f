// The one script: copies the draft. Without it the draft stands in a field from which it can be copied by hand.
"use strict";
document.querySelectorAll("[data-copy]").forEach((button) => {
  const field = document.getElementById(button.dataset.copy);
  if (!field || !navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const said = button.nextElementSibling;
    try {
      await navigator.clipboard.writeText(field.value);
      said.textContent = button.dataset.done;
    } catch {
      field.focus();
      field.select();
    }
  });
});
