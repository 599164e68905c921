// Saves a drawing as a file: SVG as it is, PNG at twice its size.

import { type Scene, type Theme, writeSvg } from "./scene";

const SHARP = 2;

export type Format = "png" | "svg";

export async function save(scene: Scene, theme: Theme, title: string, format: Format): Promise<void> {
  const svg = writeSvg(scene, theme, title);
  const blob = format === "svg" ? new Blob([svg.text], { type: "image/svg+xml" }) : await rastered(svg);
  if (!blob) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${title.replaceAll(/[^\w.-]+/g, "_").slice(0, 80)}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
}

async function rastered({ text, width, height }: ReturnType<typeof writeSvg>): Promise<Blob | null> {
  const image = new Image();
  // An address of data: the content policy knows no blobs.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * SHARP, height * SHARP];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done));
}
