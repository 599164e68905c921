// Which metrics a regular expression means. A layout comes by a link, and a hostile expression could keep the page busy for ever: such are refused.

const LONGEST_PATTERN = 200;
const LONGEST_NAME = 300;
const MOST_REPEATS = 3;
const MOST_CHOICES = 12;

export interface Matched {
  names: string[];
  /** Why nothing was sought. */
  problem?: string;
}

/** Give the names that an expression fits, in their order. */
export function matching(pattern: string, names: string[]): Matched {
  if (!pattern) return { names: [] };
  if (isCostly(pattern)) return { names: [], problem: "This expression may take too long. Repeat less in it." };
  let expression: RegExp;
  try {
    expression = new RegExp(pattern, "i");
  } catch {
    return { names: [], problem: "This is no regular expression." };
  }
  return { names: names.filter((name) => name.length <= LONGEST_NAME && expression.test(name)) };
}

/**
 * Whether an expression could try more ways than a page has time for. Ways multiply with each repeat and each choice, and without
 * bound where what is repeated itself repeats or chooses.
 */
export function isCostly(pattern: string): boolean {
  if (pattern.length > LONGEST_PATTERN) return true;
  const bare = pattern
    .replace(/\\./gs, "e")
    .replace(/\[[^\]]*\]/g, "c")
    .replace(/\(\?(?:[:=!]|<[=!]|<\w+>)/g, "(")
    .replace(/([*+?}])\?/g, "$1");
  if (/[*+{]/.test(bare) && (bare.match(/[*+{]/g) ?? []).length > MOST_REPEATS) return true;
  if ((bare.match(/[?|]/g) ?? []).length > MOST_CHOICES) return true;
  const open: boolean[] = [];
  for (let at = 0; at < bare.length; at++) {
    const sign = bare[at] ?? "";
    if (sign === "(") open.push(false);
    else if (/[*+?{|]/.test(sign)) open.fill(true);
    else if (sign === ")" && open.pop() && /[*+{]/.test(bare[at + 1] ?? "")) return true;
  }
  return false;
}
