// Numbers as people read them.

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** bytes(1536) is "1.5 KiB". */
export function bytes(n) {
  if (n == null) return "";
  let u = 0;
  while (n >= 1024 && u < units.length - 1) { n /= 1024; u++; }
  return `${u === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[u]}`;
}

/** count(135000000) is "135M". */
export function count(n) {
  if (!n) return "";
  if (n >= 1e9) return `${(n / 1e9).toFixed(n >= 1e10 ? 0 : 1)}B`;
  if (n >= 1e6) return `${(n / 1e6).toFixed(n >= 1e7 ? 0 : 1)}M`;
  return String(n);
}

/** span(75) is "1 min 15 s"; seconds that nobody can know are "". */
export function span(s) {
  if (!isFinite(s) || s < 0) return "";
  if (s < 60) return `${Math.ceil(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
}

/** short("blake3:9f12…64") keeps the first twelve digits. */
export function short(digest) {
  return digest ? digest.replace(/^(blake3:)?(.{12}).*/, "$1$2…") : "";
}
