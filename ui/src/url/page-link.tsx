import type { MouseEvent, ReactNode } from 'react';
import { navigate } from 'wouter/use-browser-location';

/** A link to another page of the app: no reload, but a real link for a new tab or the keyboard. */
export function PageLink(props: {
  to: string;
  className?: string | undefined;
  title?: string;
  /** Whether it leads to the page that is shown. */
  current?: boolean;
  /** Called when it is followed here, and not in another tab. */
  onFollow?: () => void;
  children: ReactNode;
}) {
  const onClick = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(props.to);
    props.onFollow?.();
  };
  return (
    <a
      href={props.to}
      className={props.className}
      title={props.title}
      aria-current={props.current ? 'page' : undefined}
      onClick={onClick}
    >
      {props.children}
    </a>
  );
}
