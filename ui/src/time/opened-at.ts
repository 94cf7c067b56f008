/** When the page was opened: what `now` means until the first refresh. */
export const OPENED_AT_MS = Date.now();
