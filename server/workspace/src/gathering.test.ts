import { expect, test } from "vitest";
import { Gathering } from "./gathering";

test("names that come during a turn wait together for the next one", async () => {
  const turns: string[][] = [];
  const rests: (() => void)[] = [];
  const gathering = new Gathering(
    async (names) => {
      turns.push(names);
    },
    () => new Promise((done) => rests.push(done)),
  );
  const whole = gathering.add(["a", "b"]);
  await Promise.resolve();
  void gathering.add(["c"]);
  void gathering.add(["d", "c"]);
  await new Promise((done) => setTimeout(done));
  expect(turns).toEqual([["a", "b"]]);
  rests.shift()?.();
  await new Promise((done) => setTimeout(done));
  expect(turns).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  rests.shift()?.();
  await whole;
});

test("a turn that fails does not end the next ones", async () => {
  const gathering = new Gathering(
    async (names) => {
      if (names.includes("bad")) throw new Error("no");
    },
    async () => undefined,
  );
  await expect(gathering.add(["bad"])).rejects.toThrow("no");
  await gathering.add(["good"]);
});
