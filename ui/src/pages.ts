/** Pages that are fetched when somebody opens them, by the names of their routes. */
export const PAGES = {
  fleet: () => import('./fleet/fleet-page.tsx'),
  compare: () => import('./compare/compare-page.tsx'),
  function: () => import('./function/function-page.tsx'),
  heatmap: () => import('./heatmap/heatmap-page.tsx'),
  labels: () => import('./labels/labels-page.tsx'),
  agents: () => import('./agents/agents-page.tsx'),
  adhoc: () => import('./adhoc/adhoc-page.tsx'),
  settings: () => import('./settings/settings-page.tsx'),
};
