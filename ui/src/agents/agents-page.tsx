export default function AgentsPage(_: { service?: string }) {
  return <main />;
}
