import { Icon, type IconName } from '../components/icon.tsx';
import { useCompareUrl } from '../service/compare-link.tsx';
import { PageLink } from '../url/page-link.tsx';
import { type PageName, pathOfPage } from '../url/route.ts';
import { useLinkTo, useRoute } from '../url/use-view-state.ts';
import styles from './nav.module.css';

/** The way between the pages: at the left, or on top where the window is narrow. */
export function Nav() {
  const route = useRoute();
  const linkTo = useLinkTo();
  const service = 'service' in route ? route.service : '';
  const compareUrl = useCompareUrl(service);
  const links: { page: PageName; text: string; icon: IconName; to: string }[] = [
    { page: 'fleet', text: 'Services', icon: 'list', to: linkTo('/') },
    {
      page: 'service',
      text: 'Flame',
      icon: 'flame',
      to: linkTo(pathOfPage('service', service)),
    },
    {
      page: 'heatmap',
      text: 'Heatmap',
      icon: 'grid',
      to: linkTo(pathOfPage('heatmap', service)),
    },
    { page: 'labels', text: 'Labels', icon: 'tag', to: linkTo(pathOfPage('labels', service)) },
    { page: 'compare', text: 'Compare', icon: 'compare', to: compareUrl },
    { page: 'adhoc', text: 'Files', icon: 'file', to: linkTo('/adhoc') },
    { page: 'agents', text: 'Agents', icon: 'agents', to: linkTo('/agents') },
    { page: 'settings', text: 'Settings', icon: 'settings', to: linkTo('/settings') },
  ];
  return (
    <nav className={styles.nav} aria-label="Pages">
      {links.map(({ page, text, icon, to }) => (
        <PageLink key={page} to={to} current={page === route.page}>
          <Icon name={icon} size={18} />
          {text}
        </PageLink>
      ))}
    </nav>
  );
}
