// Where a value lies along an axis, as a share of it, and which values are written beside it. Pure.

export interface Tick {
  at: number;
  label: string;
}

export interface Scale {
  isLog: boolean;
  /** The share of the axis, from 0 to 1; null for what it cannot show. */
  place: (value: number | string) => number | null;
  ticks: Tick[];
  /** The value at a share, in words. */
  words: (at: number) => string;
}

interface Options {
  isLog?: boolean;
  /** Room before the first and after the last value, as a share of their span. */
  room?: number;
  /** Reaches to zero. */
  zero?: boolean;
  words: (value: number) => string;
  ticks?: number;
}

// Where values span more than this and are all above zero, equal factors are told apart better than equal differences.
const WIDE = 100;

export function isWide(values: number[]): boolean {
  const [low, high] = extent(values);
  return low > 0 && high / low >= WIDE;
}

export function extent(values: number[]): [number, number] {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

/** An axis of numbers; a logarithmic one shows those above zero alone. */
export function numbers(values: number[], options: Options): Scale {
  const { isLog = false, room = 0, zero = false, words, ticks: wanted = 5 } = options;
  const curve = isLog ? Math.log10 : (value: number) => value;
  const shown = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0));
  if (zero && !isLog) shown.push(0);
  let [low, high] = shown.length ? extent(shown.map(curve)) : [0, 1];
  // Halved before they are taken from one another: the difference of the greatest numbers is none.
  const half = high / 2 - low / 2;
  const spare = half === 0 ? (isLog ? 0.5 : Math.abs(low) * 0.5 || 1) : half * (2 * room);
  const reach = (value: number) => Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE);
  low = reach(zero && low === 0 && !isLog && half !== 0 ? 0 : low - spare);
  high = reach(zero && high === 0 && !isLog && half !== 0 ? 0 : high + spare);
  const place = (value: number | string) => {
    if (typeof value !== "number" || !Number.isFinite(value) || (isLog && value <= 0)) return null;
    return (curve(value) / 2 - low / 2) / (high / 2 - low / 2);
  };
  const found = isLog ? tens(low, high, wanted) : rounds(low, high, wanted);
  const ticks = found.map((value) => ({ at: place(value) ?? 0, label: words(value) }));
  return { isLog, place, ticks, words: (at) => words(isLog ? 10 ** (low + at * (high - low)) : low * (1 - at) + high * at) };
}

/** An axis of texts, in the middle of equal parts. */
export function texts(values: string[]): Scale {
  const names = [...new Set(values)].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
  const index = new Map(names.map((name, at) => [name, at]));
  const place = (value: number | string) => {
    const at = index.get(String(value));
    return at === undefined ? null : (at + 0.5) / names.length;
  };
  const ticks = names.map((name, at) => ({ at: (at + 0.5) / names.length, label: name }));
  return { isLog: false, place, ticks, words: (at) => names[Math.min(names.length - 1, Math.max(0, Math.floor(at * names.length)))] ?? "" };
}

/** Round numbers: 1, 2 or 5 times a power of ten apart. */
export function rounds(low: number, high: number, wanted: number): number[] {
  const rough = high / wanted - low / wanted;
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((each) => each * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last) || last - first > 100) return [];
  // A product is rounded off: 3 * 0.1 is not 0.3.
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** Powers of ten, given low and high as powers; round numbers where fewer than two lie between. */
function tens(low: number, high: number, wanted: number): number[] {
  const first = Math.ceil(low - 1e-9);
  const last = Math.floor(high + 1e-9);
  if (last - first < 1) return rounds(10 ** low, 10 ** high, wanted).filter((value) => value > 0);
  const every = Math.max(1, Math.ceil((last - first + 1) / (wanted + 2)));
  return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, at) => Number(`1e${first + at * every}`));
}

/** Leave out ticks that would stand closer to one another than this share. */
export function apart(ticks: Tick[], least: number): Tick[] {
  let before = -Infinity;
  return ticks.filter((tick) => {
    if (tick.at - before < least) return false;
    before = tick.at;
    return true;
  });
}
