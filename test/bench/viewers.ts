import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { root } from '../harness.ts';
import { columnJson, nestedJson, speedscopeJson, type ViewerFormat } from './viewer-formats.ts';

/** Where the other viewers are, once they have been installed. */
export const VIEWERS_FOLDER = path.join(root, 'test/bench/viewers');

export interface Viewer {
  name: string;
  /** Its profile; undefined = it asks Bunsen's server. */
  format?: ViewerFormat;
  /** The page, below `VIEWERS_FOLDER`; or its whole address. @param profile path of the profile */
  path(profile: string): string;
  /** A file without which it is not installed, below `VIEWERS_FOLDER`. */
  needs?: string;
  /** What the flame graph is painted in. */
  painted: string;
  /** What the pointer moves over. */
  graph: string;
  /** Zooms to what is at a place of the page, and back. */
  zoom(page: Page, x: number, y: number): Promise<void>;
  search(page: Page, text: string): Promise<void>;
}

const ZOOM_MS = 700;

/** In the place of what was searched before, as if pasted. */
async function replaceSearch(page: Page, text: string): Promise<void> {
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(text);
}

/** Of the viewers whose pages have a field with this placeholder. */
async function searchInField(page: Page, text: string, placeholder = 'Search...'): Promise<void> {
  await page.getByPlaceholder(placeholder).focus();
  await replaceSearch(page, text);
}

/** @param url of the page with the service's flame graph */
export function bunsen(name: string, url: string): Viewer {
  return {
    name,
    path: () => url,
    painted: 'canvas[data-flame]',
    graph: 'canvas[data-flame]',
    async zoom(page, x, y) {
      await page.mouse.click(x, y);
      await page.waitForTimeout(ZOOM_MS);
      await page.keyboard.press('0');
      await page.waitForTimeout(ZOOM_MS);
    },
    search: (page, text) => searchInField(page, text, 'Search functions and modules'),
  };
}

export const OTHERS: Viewer[] = [
  {
    name: 'speedscope',
    format: speedscopeJson,
    needs: 'node_modules/speedscope/dist/release/index.html',
    path: (profile) =>
      `/node_modules/speedscope/dist/release/index.html#profileURL=${encodeURIComponent(profile)}`,
    painted: 'canvas',
    graph: 'canvas',
    async zoom(page, x, y) {
      await page.mouse.dblclick(x, y);
      await page.waitForTimeout(ZOOM_MS);
      await page.keyboard.press('0');
      await page.waitForTimeout(ZOOM_MS);
    },
    async search(page, text) {
      await page.keyboard.press('Control+f');
      await replaceSearch(page, text);
    },
  },
  {
    name: 'grafana',
    format: columnJson,
    needs: 'dist/grafana.html',
    path: (profile) => `/dist/grafana.html?profile=${encodeURIComponent(profile)}`,
    painted: '[data-testid="flameGraph"]',
    graph: '[data-testid="flameGraph"]',
    async zoom(page, x, y) {
      await page.mouse.click(x, y);
      await page.getByText('Focus block').click();
      await page.waitForTimeout(ZOOM_MS);
      await page.getByLabel('Reset focus and sandwich state').click();
      await page.waitForTimeout(ZOOM_MS);
    },
    search: (page, text) => searchInField(page, text),
  },
  {
    name: 'd3',
    format: nestedJson,
    needs: 'dist/d3.html',
    path: (profile) => `/dist/d3.html?profile=${encodeURIComponent(profile)}`,
    painted: 'g.frame',
    graph: 'svg',
    async zoom(page, x, y) {
      await page.mouse.click(x, y);
      await page.waitForTimeout(ZOOM_MS);
      await page.locator('g.frame').first().click();
      await page.waitForTimeout(ZOOM_MS);
    },
    search: (page, text) => searchInField(page, text),
  },
];

export function isInstalled({ needs }: Viewer): boolean {
  return needs === undefined || existsSync(path.join(VIEWERS_FOLDER, needs));
}
