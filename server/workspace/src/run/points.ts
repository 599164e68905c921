// Points in space, as the file of a point cloud tells of them, and how they look from where somebody stands. Pure.

import type { Tree } from "../wire";
import { isFields } from "./media";

export interface Cloud {
  /** Three numbers a point, between -1 and 1. */
  at: Float32Array;
  /** A colour a point; by their height where none was given. */
  colours: string[] | undefined;
  /** A category a point, where its fourth number is one. */
  groups: number[] | undefined;
  /** Lines between two places, of boxes and vectors. */
  edges: { from: Place; to: Place; colour: string | undefined }[];
  total: number;
}

export type Place = [number, number, number];

const MOST = 100_000;

export function cloudOf(text: string): Cloud | undefined {
  let told: Tree;
  try {
    told = JSON.parse(text) as Tree;
  } catch {
    return undefined;
  }
  const points = Array.isArray(told) ? told : isFields(told) && Array.isArray(told["points"]) ? told["points"] : undefined;
  if (!points) return undefined;
  const all = points.filter((each): each is Tree[] => Array.isArray(each) && each.length >= 3);
  const every = Math.ceil(all.length / MOST) || 1;
  const taken = all.filter((_, at) => at % every === 0).map((each) => each.map(Number));
  const edges = isFields(told) ? [...boxEdges(told["boxes"]), ...vectors(told["vectors"])] : [];
  const places = [...taken.map((each) => each.slice(0, 3) as Place), ...edges.flatMap((edge) => [edge.from, edge.to])].filter((each) => each.every(Number.isFinite));
  if (!places.length) return undefined;
  const middle = [0, 1, 2].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (const place of places) [low, high] = [Math.min(low, place[axis] ?? low), Math.max(high, place[axis] ?? high)];
    return { middle: (low + high) / 2, half: (high - low) / 2 };
  });
  const reach = Math.max(...middle.map((axis) => axis.half)) || 1;
  const scaled = (place: Place): Place => place.map((value, axis) => (value - (middle[axis]?.middle ?? 0)) / reach) as Place;
  const width = taken[0]?.length ?? 3;
  return {
    at: Float32Array.from(taken.flatMap((each) => scaled(each.slice(0, 3) as Place))),
    colours: width >= 6 ? taken.map(([, , , r, g, b]) => `rgb(${r} ${g} ${b})`) : undefined,
    groups: width === 4 ? taken.map((each) => each[3] ?? 0) : undefined,
    edges: edges.map((edge) => ({ ...edge, from: scaled(edge.from), to: scaled(edge.to) })),
    total: all.length,
  };
}

function placeOf(tree: Tree | undefined): Place | undefined {
  const place = Array.isArray(tree) ? tree.slice(0, 3).map(Number) : [];
  return place.length === 3 && place.every(Number.isFinite) ? (place as Place) : undefined;
}

function colourOf(tree: Tree | undefined): string | undefined {
  return Array.isArray(tree) && tree.length >= 3 ? `rgb(${tree.slice(0, 3).map((part) => Math.min(255, Math.max(0, Number(part) || 0))).join(" ")})` : undefined;
}

/** The twelve edges of a box whose eight corners come in any order: three ways out of one corner, of which all others are made. */
function boxEdges(tree: Tree | undefined): Cloud["edges"] {
  if (!Array.isArray(tree)) return [];
  return tree.flatMap((box) => {
    if (!isFields(box) || !Array.isArray(box["corners"])) return [];
    const corners = box["corners"].map(placeOf);
    const [first, ...others] = corners;
    if (!first || others.length !== 7 || others.some((each) => !each)) return [];
    const ways = (others as Place[]).map((each) => each.map((value, axis) => value - (first[axis] ?? 0)) as Place);
    const isNear = (one: Place, other: Place) => Math.hypot(...one.map((value, axis) => value - (other[axis] ?? 0))) <= 1e-3 * (Math.hypot(...one) + 1e-9);
    const sum = (...places: Place[]) => [0, 1, 2].map((axis) => places.reduce((all, place) => all + (place[axis] ?? 0), 0)) as Place;
    const has = (place: Place) => ways.some((way) => isNear(way, place));
    for (let a = 0; a < 7; a++) {
      for (let b = a + 1; b < 7; b++) {
        for (let c = b + 1; c < 7; c++) {
          const three = [ways[a], ways[b], ways[c]] as [Place, Place, Place];
          const [u, v, w] = three;
          if (![sum(u, v), sum(u, w), sum(v, w), sum(u, v, w)].every(has)) continue;
          return three.flatMap((way, at) => {
            const [one, other] = three.filter((_, index) => index !== at) as [Place, Place];
            return [[], [one], [other], [one, other]].map((from) => ({ from: sum(first, ...from), to: sum(first, ...from, way), colour: colourOf(box["color"]) }));
          });
        }
      }
    }
    return [];
  });
}

function vectors(tree: Tree | undefined): Cloud["edges"] {
  if (!Array.isArray(tree)) return [];
  return tree.flatMap((each) => {
    const [from, to] = isFields(each) ? [placeOf(each["start"]), placeOf(each["end"])] : [];
    return from && to ? [{ from, to, colour: isFields(each) ? colourOf(each["color"]) : undefined }] : [];
  });
}

/** Where a place stands on a square from 0 to 1, seen from a turn and a tilt; z is up. */
export function seen(place: ArrayLike<number>, turn: number, tilt: number, zoom: number): [number, number] {
  const [x = 0, y = 0, z = 0] = [place[0], place[1], place[2]];
  const across = x * Math.cos(turn) - y * Math.sin(turn);
  const away = x * Math.sin(turn) + y * Math.cos(turn);
  const up = z * Math.cos(tilt) + away * Math.sin(tilt);
  return [0.5 + across * 0.3 * zoom, 0.5 - up * 0.3 * zoom];
}
