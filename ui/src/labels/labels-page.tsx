export default function LabelsPage(_: { service?: string }) {
  return <main />;
}
