import type { ReactNode } from 'react';
import styles from './message.module.css';

/** What stands in the place of content that is not there: why, and what can be done about it. */
export function Message(props: {
  tone: 'plain' | 'error';
  title: string;
  text?: ReactNode;
  /** A stable code that a report of the problem should name. */
  code?: string;
  /** What the reader can do: buttons and links. */
  children?: ReactNode;
}) {
  const { tone, title, text, code, children } = props;
  return (
    <div className={styles.message} data-tone={tone} role={tone === 'error' ? 'alert' : 'status'}>
      <h2 className={styles.title}>{title}</h2>
      {text && <div className={styles.text}>{text}</div>}
      {code && <code className={styles.code}>{code}</code>}
      {children && <div className={styles.actions}>{children}</div>}
    </div>
  );
}
