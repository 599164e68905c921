// The colours of the page's style, for what is drawn by numbers; they follow light and dark.

import { MediaQuery } from "svelte/reactivity";
import type { Theme } from "./scene";

const dark = new MediaQuery("(prefers-color-scheme: dark)");

export function theme(): Theme {
  const isDark = dark.current;
  const style = getComputedStyle(document.documentElement);
  const [ink = "", soft = "", edge = "", paper = ""] = ["--ink", "--soft", "--edge", "--paper"].map((name) => style.getPropertyValue(name).trim());
  return { isDark, ink, soft, edge, paper };
}
