export default function AdhocPage(_: { service?: string }) {
  return <main />;
}
