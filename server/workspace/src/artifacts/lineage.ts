// The picture of a version's lineage: what went into the run that logged it, the version, the runs that used it, and what those logged.

import { type Beside, type Lineage, type Maker, type Place, makerAddress, placeAddress } from "../wire";

/** A box of the picture. name: what fits; full: the whole of it. Without an address it leads nowhere. */
export interface Box {
  kind: "version" | "run" | "more";
  x: number;
  y: number;
  name: string;
  note: string;
  full: string;
  address?: string;
  isHere?: boolean;
}

export interface Picture {
  width: number;
  height: number;
  boxes: Box[];
  /** From the right side of a box to the left side of another. */
  lines: { from: Box; to: Box }[];
  heads: { x: number; text: string }[];
}

export const BOX = { width: 172, height: 44 };
const GAP = { x: 44, y: 12 };
const TOP = 28;
const EDGE = 4;
const CHARACTERS = 22;
/** The most boxes that stand in the picture; the list beside it has what the server told. */
const INPUTS = 8;
const USERS = 12;
const OUTPUTS = 3;

/** As much of a text as fits so many narrow characters; those of East Asia and emoji are two wide, what joins others none. */
export function short(text: string, room: number): string {
  if (widthOf(text) <= room) return text;
  let kept = "";
  let used = 0;
  for (const each of text) {
    used += widthOf(each);
    if (used > room - 1) break;
    kept += each;
  }
  return `${kept}…`;
}

function widthOf(text: string): number {
  return [...text].reduce((sum, each) => sum + (/[\p{M}\p{Cf}]/u.test(each) ? 0 : (each.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1), 0);
}

export function nameOf(place: Pick<Place, "collection" | "version">, room = Infinity): string {
  return `${short(place.collection, room - place.version.length - 1)}:${place.version}`;
}

/** Draw it, as seen from a version of a project: what lies in another one says so. */
export function drawLineage(here: Place, lineage: Lineage): Picture {
  const picture: Picture = { width: 0, height: 0, boxes: [], lines: [], heads: [] };
  let left = EDGE;

  function column(head: string): number {
    const x = left;
    picture.heads.push({ x, text: head });
    left += BOX.width + GAP.x;
    return x;
  }

  function place(box: Omit<Box, "x" | "y">, x: number, row: number): Box {
    const placed = { ...box, x, y: TOP + row * (BOX.height + GAP.y) };
    picture.boxes.push(placed);
    return placed;
  }

  const inputs = lineage.loggedBy ? boxesOf(lineage.loggedBy, INPUTS, here) : [];
  const users = lineage.usedBy.slice(0, USERS);
  const outputs = users.map((user) => boxesOf(user, OUTPUTS, here));
  const hasMore = lineage.more || lineage.usedBy.length > USERS;
  const rowsOf = outputs.map((boxes) => Math.max(1, boxes.length));
  const rows = Math.max(1, inputs.length, rowsOf.reduce((sum, each) => sum + each, 0) + (hasMore ? 1 : 0));
  const middle = (rows - 1) / 2;

  let before: Box | undefined;
  if (lineage.loggedBy) {
    const x = inputs.length ? column("Went in") : 0;
    const first = middle - (inputs.length - 1) / 2;
    const went = inputs.map((box, index) => place(box, x, first + index));
    before = place(runBox(lineage.loggedBy.run, here), column("Logged by"), middle);
    for (const from of went) picture.lines.push({ from, to: before });
  }
  const itself = place({ ...versionBox(here, here), isHere: true }, column("This version"), middle);
  if (before) picture.lines.push({ from: before, to: itself });
  if (users.length) {
    const x = column("Used by");
    const last = outputs.some((boxes) => boxes.length) ? column("Which logged") : 0;
    let row = middle - (rowsOf.reduce((sum, each) => sum + each, 0) + (hasMore ? 1 : 0) - 1) / 2;
    users.forEach((user, index) => {
      const high = rowsOf[index] ?? 1;
      const box = place(runBox(user.run, here), x, row + (high - 1) / 2);
      picture.lines.push({ from: itself, to: box });
      outputs[index]?.forEach((output, at) => picture.lines.push({ from: box, to: place(output, last, row + at) }));
      row += high;
    });
    if (hasMore) picture.lines.push({ from: itself, to: place(moreBox("and more runs"), x, row) });
  }
  picture.width = left - GAP.x + EDGE;
  picture.height = TOP + rows * (BOX.height + GAP.y) - GAP.y + EDGE;
  return picture;
}

/** A line between two boxes, level where it leaves the one and reaches the other. */
export function pathOf({ from, to }: Picture["lines"][number]): string {
  const [x, y, end, down] = [from.x + BOX.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
  const bend = (x + end) / 2;
  return `M${x} ${y}C${bend} ${y} ${bend} ${down} ${end} ${down}`;
}

function boxesOf(beside: Beside, atMost: number, here: Place): Omit<Box, "x" | "y">[] {
  const shown = beside.artifacts.length + Math.min(beside.more, 1) > atMost ? beside.artifacts.slice(0, atMost - 1) : beside.artifacts;
  const left = beside.artifacts.length - shown.length + beside.more;
  return [...shown.map((each) => versionBox(each, here)), ...(left ? [moreBox(`and ${left.toLocaleString("en-US")} more`)] : [])];
}

function versionBox(place: Place, here: Place): Omit<Box, "x" | "y"> {
  const note = place.type + elsewhere(place, here);
  return { kind: "version", name: nameOf(place, CHARACTERS), note: short(note, CHARACTERS + 2), full: `${nameOf(place)}, ${note}`, address: placeAddress(place) };
}

function runBox(run: Maker, here: Place): Omit<Box, "x" | "y"> {
  const note = `run, ${run.state}${elsewhere(run, here)}`;
  return { kind: "run", name: short(run.displayName, CHARACTERS), note: short(note, CHARACTERS + 2), full: `${run.displayName}, ${note}`, address: makerAddress(run) };
}

function moreBox(name: string): Omit<Box, "x" | "y"> {
  return { kind: "more", name, note: "", full: name };
}

function elsewhere(one: { entity: string; project: string }, here: Place): string {
  return one.project === here.project && one.entity === here.entity ? "" : `, in ${one.project}`;
}
