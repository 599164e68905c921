// Panels in sections, one for each prefix of a name, and how many of them are made at once: a run may have thousands of metrics.

export type Section = [prefix: string, members: string[]];

/** A section for each prefix of a name: what stands before the first slash. */
export function sectionsOf(names: string[]): Section[] {
  const found = new Map<string, string[]>();
  for (const name of names) {
    const prefix = name.includes("/") ? name.slice(0, name.indexOf("/")) : "";
    const members = found.get(prefix);
    if (members) members.push(name);
    else found.set(prefix, [name]);
  }
  return [...found].sort(([one], [other]) => one.localeCompare(other));
}

/** The first panels of open sections, at most so many, and the sections that come before the next one. */
export function firstOf(sections: Section[], most: number, isOpen: (prefix: string) => boolean): { made: Section[]; isWhole: boolean } {
  const made: Section[] = [];
  let left = most;
  for (const [prefix, members] of sections) {
    if (left <= 0) return { made, isWhole: false };
    const shown = isOpen(prefix) ? members.slice(0, left) : [];
    made.push([prefix, shown]);
    left -= shown.length;
    if (isOpen(prefix) && shown.length < members.length) return { made, isWhole: false };
  }
  return { made, isWhole: true };
}
