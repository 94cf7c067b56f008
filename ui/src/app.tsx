import { shortName } from '@bunsen/profile';
import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { queryClient } from './api/query-client.ts';
import styles from './app.module.css';
import { Message } from './components/message.tsx';
import { Dialogs } from './dialogs.tsx';
import { Header } from './header/header.tsx';
import { Nav } from './nav/nav.tsx';
import { PAGES } from './pages.ts';
import { ServicePage } from './service/service-page.tsx';
import { RangeProvider, useClock } from './time/range-context.tsx';
import type { Route } from './url/route.ts';
import { updateViewState, useLinkTo, useRoute } from './url/use-view-state.ts';
import { DEFAULT_VIEW } from './url/view-state.ts';

const FleetPage = lazy(PAGES.fleet);
const ComparePage = lazy(PAGES.compare);
const FunctionPage = lazy(PAGES.function);
const HeatmapPage = lazy(PAGES.heatmap);
const LabelsPage = lazy(PAGES.labels);
const AgentsPage = lazy(PAGES.agents);
const AdhocPage = lazy(PAGES.adhoc);
const SettingsPage = lazy(PAGES.settings);

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <RangeProvider>
        <div className={styles.app}>
          <Header />
          <Nav />
          <div className={styles.page}>
            <Suspense fallback={null}>
              <Page />
            </Suspense>
          </div>
        </div>
        <Dialogs />
      </RangeProvider>
    </QueryClientProvider>
  );
}

function Page() {
  const route = useRoute();
  const { range, error } = useClock();
  const linkTo = useLinkTo();
  const title = titleOf(route);
  useEffect(() => {
    document.title = `${title} · Bunsen`;
  }, [title]);

  if (!range) {
    return (
      <Message tone="error" title="This is no time range" text={error}>
        <button
          type="button"
          onClick={() => updateViewState({ from: DEFAULT_VIEW.from, until: DEFAULT_VIEW.until })}
        >
          Show the last 30 minutes
        </button>
      </Message>
    );
  }
  switch (route.page) {
    case 'fleet':
      return <FleetPage />;
    case 'service':
      return <ServicePage service={route.service} />;
    case 'heatmap':
      return <HeatmapPage service={route.service} />;
    case 'labels':
      return <LabelsPage service={route.service} />;
    case 'compare':
      return <ComparePage />;
    case 'function':
      return <FunctionPage name={route.name} />;
    case 'adhoc':
      return <AdhocPage />;
    case 'agents':
      return <AgentsPage />;
    case 'settings':
      return <SettingsPage />;
    default:
      return (
        <Message
          tone="error"
          title="There is no such page"
          text={`Nothing lives at ${route.path}.`}
        >
          <a href={linkTo('/')}>To the list of services</a>
        </Message>
      );
  }
}

const TITLES = {
  fleet: 'Services',
  heatmap: 'Heatmap',
  labels: 'Labels',
  compare: 'Compare',
  adhoc: 'Files',
  agents: 'Agents',
  settings: 'Settings',
  unknown: 'No such page',
};

function titleOf(route: Route): string {
  if (route.page === 'service') return route.service || 'All services';
  if (route.page === 'function') return shortName(route.name);
  if ('service' in route && route.service) return `${TITLES[route.page]} of ${route.service}`;
  return TITLES[route.page];
}
