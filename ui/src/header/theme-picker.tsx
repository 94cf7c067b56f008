import { Icon, type IconName } from '../components/icon.tsx';
import { chooseTheme, THEME_CHOICES, type ThemeChoice, useThemeChoice } from '../theme.ts';
import styles from './header.module.css';

const ICONS: Record<ThemeChoice, IconName> = { system: 'system', light: 'sun', dark: 'moon' };

/** One button that goes round: as the system, light, dark. */
export function ThemePicker() {
  const choice = useThemeChoice();
  const next = THEME_CHOICES[
    (THEME_CHOICES.indexOf(choice) + 1) % THEME_CHOICES.length
  ] as ThemeChoice;
  const label = `Theme: ${choice}. Change to ${next}`;
  return (
    <button
      type="button"
      className={styles.theme}
      aria-label={label}
      title={label}
      onClick={() => chooseTheme(next)}
    >
      <Icon name={ICONS[choice]} />
    </button>
  );
}
