import styles from './open-button.module.css';

/** Opens the browser's dialog for files. */
export function OpenButton({
  open,
  text,
}: {
  open: (files: Iterable<File>) => void;
  text: string;
}) {
  return (
    <label className={styles.open}>
      {text}
      <input
        type="file"
        multiple
        className="visually-hidden"
        onChange={(event) => {
          open([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </label>
  );
}
