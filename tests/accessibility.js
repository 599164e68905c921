// What keeps somebody from using this page, as a list of sentences. Given to a page by accessibility.py.
() => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const told = (element) => `<${element.tagName.toLowerCase()}> ${element.id} ${(element.textContent || "").trim().slice(0, 40)}`;
  const shown = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && element.getClientRects().length > 0;
  const forbid = (elements, isFaulty, sentence) => {
    for (const element of elements) if (isFaulty(element)) faults.push(`${told(element)}: ${sentence}`);
  };
  const fields = all("input:not([type=hidden]):not([hidden]), select, textarea");

  // --- the page, its headings and its names -------------------------------------------------------------------------------
  if (!document.documentElement.lang) faults.push("the page has no language");
  if (!document.title.trim()) faults.push("the page has no title");
  if (all("h1").length !== 1) faults.push(`the page has ${all("h1").length} first headings`);
  if (all("main").length !== 1) faults.push("the page has no main part");
  let level = 0;
  for (const heading of all("main h1, main h2, main h3, main h4")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) faults.push(`${told(heading)}: the heading skips a level`);
    level = own;
  }
  const ids = all("[id]").map((element) => element.id);
  forbid(all("[id]"), (element) => ids.filter((id) => id === element.id).length > 1, "another element has this id");
  const others = (element) => (element.getAttribute("aria-describedby") || "").split(/\s+/).filter(Boolean);
  forbid(all("[aria-describedby]"), (element) => others(element).some((id) => !ids.includes(id)), "what describes it is not there");
  const pictures = (element) => [...element.querySelectorAll("img[alt]")].map((image) => image.alt).join("");
  const named = (element) => element.getAttribute("aria-label") || element.textContent.trim() || pictures(element);
  forbid(all("a[href], button, summary"), (element) => !named(element), "it has no name");
  forbid(all("img"), (image) => image.getAttribute("alt") === null, "the picture has no words");
  forbid(all("svg"), (image) => !image.getAttribute("aria-label") && !image.closest("[aria-hidden=true]"), "the drawing has no name");
  forbid(all("th"), (head) => !head.textContent.trim(), "the column has no name");
  forbid(all(".problem"), (problem) => problem.getAttribute("role") !== "alert", "the problem is not told at once");
  forbid(all("[tabindex]"), (element) => Number(element.getAttribute("tabindex")) > 0, "it jumps the queue");

  // --- fields: what they are called, and what they are for, so that programs can fill them in -----------------------------
  const labels = (field) => [...(field.labels || [])].map((label) => label.textContent.trim()).join("");
  forbid(fields, (field) => !(field.getAttribute("aria-label") || labels(field)), "the field has no label");
  const wrong = (field, ...purposes) => !purposes.includes(field.getAttribute("autocomplete"));
  const passwords = fields.filter((field) => field.type === "password");
  forbid(passwords, (field) => wrong(field, "current-password", "new-password"), "it does not say which password it is");
  forbid(fields.filter((field) => field.type === "email"), (field) => wrong(field, "email", "off"), "it does not say whose address it is");
  // Whoever comes by a link has an account that only its code names.
  const isAbout = (form) => form.querySelector("[autocomplete=username], [name=code]");
  forbid(passwords, (field) => !isAbout(field.form), "its form does not say whose password it is");

  // --- targets ------------------------------------------------------------------------------------------------------------
  const smallest = 24;
  const targets = [...all("button, .button, summary, nav:not(.trail) a, header a"), ...fields].filter(shown);
  const box = (element) => (element.type === "checkbox" && element.labels[0] ? element.labels[0] : element).getBoundingClientRect();
  forbid(targets, (element) => box(element).width < smallest || box(element).height < smallest, "it is hard to hit");

  // --- contrast, from the colours as they are computed ---------------------------------------------------------------------
  const parsed = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return [red, green, blue, alpha];
  };
  const over = (front, back) => back.slice(0, 3).map((value, index) => front[index] * front[3] + value * (1 - front[3]));
  const lineage = (element) => (element ? [...lineage(element.parentElement), element] : []);
  const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  const ground = (element) =>
    lineage(element).reduce((below, each) => over(parsed(getComputedStyle(each).backgroundColor), below), canvas);
  const opacity = (element) => lineage(element).reduce((product, each) => product * Number(getComputedStyle(each).opacity), 1);
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = ([red, green, blue]) => 0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const judge = (element, colour, back, wanted, what) => {
    const [red, green, blue, alpha] = parsed(colour);
    const found = contrast(over([red, green, blue, alpha * opacity(element)], back), back);
    if (found < wanted) faults.push(`${told(element)}: the contrast of ${what} is ${found.toFixed(2)}, not ${wanted}`);
  };
  const holdsText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
  for (const element of all("body *")) {
    if (!holdsText(element) || !shown(element) || element.closest("option, script")) continue;
    const style = getComputedStyle(element);
    judge(element, element.closest("svg") ? style.fill : style.color, ground(element), 4.5, "its text");
  }
  for (const field of fields.filter((each) => each.type !== "checkbox" && shown(each))) {
    judge(field, getComputedStyle(field).color, ground(field), 4.5, "what is typed");
    if (field.placeholder) judge(field, getComputedStyle(field, "::placeholder").color, ground(field), 4.5, "its example");
    judge(field, getComputedStyle(field).borderTopColor, ground(field.parentElement), 3, "its edge");
  }
  for (const line of all("svg path.line")) judge(line, getComputedStyle(line).stroke, ground(line), 3, "its line");
  return faults;
}
