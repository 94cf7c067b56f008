import './theme.css';
import './global.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { settings } from './settings.ts';
import { applyTheme } from './theme.ts';
import { DEFAULT_VIEW } from './url/view-state.ts';

applyTheme();
// A visit without a link begins with the reader's own range; a link means the same for everybody.
const { range } = settings();
if (location.pathname === '/' && location.search === '' && range !== DEFAULT_VIEW.from) {
  history.replaceState(null, '', `/?from=${range}`);
}
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(<App />);
