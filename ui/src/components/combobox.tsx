import { type KeyboardEvent, useId, useRef, useState } from 'react';
import styles from './combobox.module.css';

export interface Option {
  value: string;
  /** Shown instead of the value. */
  text?: string;
  /** Shown at the right, such as a figure. */
  detail?: string;
  /** 0 to 1: drawn as a bar behind the option. */
  share?: number;
}

/** More options than this are not listed: typing narrows them down. */
const MAX_LISTED = 200;

/**
 * A text field with a list of options below it, which typing narrows down: ARIA's combobox. Down and
 * up move, Enter picks, Escape leaves things as they were.
 */
export function Combobox(props: {
  label: string;
  /** null if nothing is chosen yet. */
  value: string | null;
  options: Option[];
  onPick: (value: string) => void;
  placeholder?: string;
  /**
   * Whether what was typed can be picked although no option says so, and where it is offered: `first`
   * if that is the rule (an expression), `last` if it is the exception (a name).
   */
  free?: 'first' | 'last';
  /** Said instead of the list while there are no options. */
  emptyText?: string;
  autoFocus?: boolean;
  className?: string | undefined;
}) {
  const { label, value, options, onPick, free } = props;
  const [typed, setTyped] = useState<string | null>(null); // null: nothing since the list opened
  const [isOpen, setIsOpen] = useState(false);
  const [active, setActive] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const listId = useId();

  const wanted = (typed ?? '').toLowerCase();
  const found = options.filter(
    (option) =>
      wanted === '' ||
      option.value.toLowerCase().includes(wanted) ||
      option.text?.toLowerCase().includes(wanted),
  );
  const listed = found.slice(0, MAX_LISTED);
  if (free && typed && !options.some((option) => option.value === typed)) {
    const own = { value: typed, detail: 'as typed' };
    if (free === 'first') listed.unshift(own);
    else listed.push(own);
  }
  const current = options.find((option) => option.value === value);

  const shut = () => {
    setIsOpen(false);
    setTyped(null);
  };
  const pick = (picked: string) => {
    shut();
    // A choice made is done: the page's own keys work again. Free text may go on to be edited.
    if (!free) field.current?.blur();
    if (picked !== value) onPick(picked);
  };
  const move = (to: number) => {
    const index = Math.max(0, Math.min(listed.length - 1, to));
    setIsOpen(true);
    setActive(index);
    list.current?.children[index]?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'ArrowDown') move(isOpen ? active + 1 : active);
    else if (event.key === 'ArrowUp') move(active - 1);
    else if (event.key === 'Enter') {
      const option = listed[active];
      if (isOpen && option) pick(option.value);
    } else if (event.key === 'Escape' && isOpen) shut();
    else return;
    event.preventDefault();
  };

  return (
    <div className={`${styles.root} ${props.className ?? ''}`}>
      <input
        ref={field}
        className={styles.input}
        role="combobox"
        aria-label={label}
        aria-expanded={isOpen}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && listed[active] ? `${listId}-${active}` : undefined}
        autoComplete="off"
        spellCheck={false}
        // biome-ignore lint/a11y/noAutofocus: only in a panel that the user has just opened
        autoFocus={props.autoFocus}
        placeholder={props.placeholder}
        title={current?.text ?? value ?? undefined}
        value={typed ?? current?.text ?? value ?? ''}
        onFocus={(event) => event.target.select()}
        onClick={() => {
          setIsOpen(true);
          setActive(
            Math.max(
              0,
              options.findIndex((option) => option.value === value),
            ),
          );
        }}
        onChange={(event) => {
          setTyped(event.target.value);
          setActive(0);
          setIsOpen(true);
        }}
        onKeyDown={onKeyDown}
        onBlur={() => {
          if (free && typed !== null) pick(typed);
          else shut();
        }}
      />
      {isOpen && (
        <div
          className={styles.list}
          // A press must not take the focus away from the field, which would shut the list.
          onPointerDown={(event) => event.preventDefault()}
        >
          <div ref={list} id={listId} role="listbox" aria-label={label}>
            {listed.map((option, index) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys
              <div
                key={option.value}
                id={`${listId}-${index}`}
                className={styles.option}
                role="option"
                tabIndex={-1}
                aria-selected={option.value === value}
                data-active={index === active}
                title={option.value}
                onPointerMove={() => setActive(index)}
                onClick={() => pick(option.value)}
              >
                {option.share !== undefined && (
                  <span className={styles.bar} style={{ width: `${option.share * 100}%` }} />
                )}
                <span className={styles.text}>{option.text ?? option.value}</span>
                {option.detail && <span className={styles.detail}>{option.detail}</span>}
              </div>
            ))}
          </div>
          {listed.length === 0 && (
            <div className={styles.note}>
              {options.length === 0 ? (props.emptyText ?? 'Nothing to choose from.') : 'No match.'}
            </div>
          )}
          {found.length > MAX_LISTED && (
            <div className={styles.note}>{found.length - MAX_LISTED} more: type to find them</div>
          )}
        </div>
      )}
    </div>
  );
}
