import type { PageFile } from './desk.ts';

/** What the URL says of a file: which, and which kind of its values. */
export interface FileRef {
  id: string;
  profile: number;
}

/** The other side of a comparison that is no file. */
export const LIVE = 'live';

/** `1a2b3c4d5e6f7a8b` for the first kind of values, `1a2b3c4d5e6f7a8b.2` for the third. */
export function formatFileRef({ id, profile }: FileRef): string {
  return profile === 0 ? id : `${id}.${profile}`;
}

/** Null if the text names none. */
export function parseFileRef(text: string): FileRef | null {
  const [, id, profile = '0'] = /^([0-9a-f]{16})(?:\.(\d{1,4}))?$/.exec(text) ?? [];
  return id === undefined ? null : { id, profile: Number(profile) };
}

/** The file and the kind of values that a reference is about, if it is open. */
export function findFile(
  files: readonly PageFile[],
  ref: FileRef | null,
): { file: PageFile; profile: PageFile['profiles'][number]; ref: FileRef } | undefined {
  const file = files.find(({ id }) => id === ref?.id);
  const profile = file?.profiles[ref?.profile ?? 0];
  return file && profile && ref ? { file, profile, ref } : undefined;
}
