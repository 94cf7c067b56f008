/** Hands the browser a file to save. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Not at once: the browser may still be reading.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** `api-2026-11-21T10-00-00Z.png`: no character that a file system minds. */
export function fileName(name: string, fromMs: number, extension: string): string {
  const from = new Date(fromMs).toISOString().slice(0, 19).replaceAll(':', '-');
  const safe = name.replace(/[^\p{L}\p{N}_.-]+/gu, '-').slice(0, 80);
  return `${safe}-${from}Z.${extension}`;
}
