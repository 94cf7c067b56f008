export default function SettingsPage(_: { service?: string }) {
  return <main />;
}
