// The colours of the page's style, for what is drawn by numbers; they follow light and dark.

import { MediaQuery } from "svelte/reactivity";
import type { Theme } from "./scene";

const dark = new MediaQuery("(prefers-color-scheme: dark)");

// Asking for a style makes a browser lay out the page; many panels ask often, and only the scheme changes it.
let known: Theme | undefined;

export function theme(): Theme {
  const isDark = dark.current;
  if (known?.isDark === isDark) return known;
  const style = getComputedStyle(document.documentElement);
  const [ink = "", soft = "", edge = "", paper = ""] = ["--ink", "--soft", "--edge", "--paper"].map((name) => style.getPropertyValue(name).trim());
  known = { isDark, ink, soft, edge, paper };
  return known;
}
