import { expect, test } from "vitest";
import type { Beside, Lineage, Maker, Place } from "../wire";
import { BOX, type Box, drawLineage, nameOf, pathOf, short } from "./lineage";

function place(collection: string, version = "v0", project = "p"): Place {
  return { entity: "ann", project, collection, version, type: "model" };
}

function run(name: string, project = "p"): Maker {
  return { entity: "ann", project, name, displayName: `the ${name}`, state: "finished" };
}

function beside(name: string, artifacts: Place[], more = 0): Beside {
  return { run: run(name), artifacts, more };
}

function many(count: number): Place[] {
  return Array.from({ length: count }, (_, index) => place(`a${index}`));
}

function draw(lineage: Partial<Lineage>) {
  return drawLineage(place("net", "v3"), { loggedBy: null, usedBy: [], more: false, ...lineage });
}

function expectApart(boxes: Box[]): void {
  for (const one of boxes)
    for (const other of boxes)
      if (one !== other) expect(Math.abs(one.x - other.x) >= BOX.width || Math.abs(one.y - other.y) >= BOX.height, `${one.name} over ${other.name}`).toBe(true);
}

test("a version of which nothing is known stands alone", () => {
  const picture = draw({});
  expect(picture.boxes.map((box) => [box.name, box.isHere])).toEqual([["net:v3", true]]);
  expect(picture.heads.map((head) => head.text)).toEqual(["This version"]);
  expect(picture.lines).toEqual([]);
});

test("columns go from what went in to what came of it, and each line leads to the right", () => {
  const picture = draw({ loggedBy: beside("maker", [place("raw"), place("base")]), usedBy: [beside("first", [place("out")]), beside("second", [])] });
  expect(picture.heads.map((head) => head.text)).toEqual(["Went in", "Logged by", "This version", "Used by", "Which logged"]);
  const named = picture.lines.map(({ from, to }) => `${from.name} > ${to.name}`);
  expect(named.sort()).toEqual(["base:v0 > the maker", "net:v3 > the first", "net:v3 > the second", "raw:v0 > the maker", "the first > out:v0", "the maker > net:v3"]);
  for (const line of picture.lines) {
    expect(line.to.x).toBeGreaterThan(line.from.x + BOX.width);
    expect(pathOf(line)).not.toMatch(/NaN|undefined/);
  }
});

test("boxes lie apart and within the picture, however many there are, and say what is left out", () => {
  const picture = draw({
    loggedBy: beside("maker", many(20), 100),
    usedBy: Array.from({ length: 20 }, (_, index) => beside(`user${index}`, many(index), index ? 1 : 0)),
    more: true,
  });
  expectApart(picture.boxes);
  for (const box of picture.boxes) {
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.y).toBeGreaterThanOrEqual(0);
    expect(box.x + BOX.width).toBeLessThanOrEqual(picture.width);
    expect(box.y + BOX.height).toBeLessThanOrEqual(picture.height);
  }
  const more = picture.boxes.filter((box) => box.kind === "more").map((box) => box.name);
  expect(more).toContain("and 113 more");
  expect(more).toContain("and more runs");
  expect(picture.boxes.length).toBeLessThan(70);
  expect(draw({ loggedBy: beside("maker", many(8)) }).boxes.filter((box) => box.kind === "more")).toEqual([]);
});

test("what lies in another project says so, and leads there", () => {
  const picture = draw({ usedBy: [{ run: run("far", "q"), artifacts: [place("a b/c", "v1", "q")], more: 0 }] });
  const [user, output] = picture.boxes.slice(1);
  expect([user?.address, user?.note]).toEqual(["/ann/q/runs/far", "run, finished, in q"]);
  expect([output?.address, output?.note]).toEqual(["/ann/q/artifacts/a%20b%2Fc/v1", "model, in q"]);
});

test("long names are cut where they no longer fit, and keep their version", () => {
  expect(short("abcdef", 6)).toBe("abcdef");
  expect(short("abcdefg", 6)).toBe("abcde…");
  expect(short("", 3)).toBe("");
  expect(short("漢字漢字", 8)).toBe("漢字漢字");
  expect(short("漢字漢字漢", 8)).toBe("漢字漢…");
  expect(short("e\u0301e\u0301e\u0301", 3)).toBe("e\u0301e\u0301e\u0301");
  expect(short("😀😀😀", 5)).toBe("😀😀…");
  expect(nameOf(place("a".repeat(40), "v123"), 12)).toBe("aaaaaa…:v123");
  expect(nameOf(place("a".repeat(40), "v1"))).toBe(`${"a".repeat(40)}:v1`);
});
