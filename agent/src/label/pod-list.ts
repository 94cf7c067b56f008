import type { Labels } from '@bunsen/profile';

/** A label of pods that becomes one of each series. */
export interface PodLabel {
  /** As in Kubernetes: `app.kubernetes.io/name`. */
  podLabel: string;
  label: string;
}

/** Where a container runs, as Kubernetes tells it. */
export interface PodPlace {
  /** For each series: namespace, pod, container, node, and the pod's labels that were chosen. */
  labels: Labels;
  /** For relabelling alone: `__meta_kubernetes_*`. */
  meta: Labels;
}

/** The part of Kubernetes' v1.Pod that is read. */
interface Pod {
  metadata?: {
    name?: string;
    namespace?: string;
    uid?: string;
    labels?: Record<string, string>;
    ownerReferences?: { kind?: string; name?: string; controller?: boolean }[];
  };
  spec?: { nodeName?: string };
  status?: { podIP?: string } & Partial<Record<StatusList, ContainerStatus[]>>;
}

interface ContainerStatus {
  name?: string;
  image?: string;
  /** `containerd://` and 64 hex digits; missing until the container has been made. */
  containerID?: string;
}

const STATUS_LISTS = [
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
] as const;
type StatusList = (typeof STATUS_LISTS)[number];

/** All but letters and digits becomes `_`, as Prometheus does with labels of pods. */
export const labelNameOf = (podLabel: string) => podLabel.replace(/[^A-Za-z0-9_]/g, '_');

/**
 * Reads a v1.PodList, as the kubelet's /pods and the API's /api/v1/pods answer it.
 * @returns places by container id
 * @throws Error if it is none
 */
export function readPodList(json: string, chosen: readonly PodLabel[]): Map<string, PodPlace> {
  let list: { kind?: unknown; items?: unknown } | null = null;
  try {
    list = JSON.parse(json);
  } catch {
    // Said below, with what was answered instead.
  }
  if (list?.kind !== 'PodList' || !(Array.isArray(list.items) || list.items === null)) {
    throw new Error(`the answer is no PodList but ${json.slice(0, 100)}`);
  }
  const places = new Map<string, PodPlace>();
  for (const pod of (list.items ?? []) as Pod[]) {
    for (const statuses of STATUS_LISTS) {
      for (const container of pod.status?.[statuses] ?? []) {
        const id = container.containerID?.split('://')[1];
        if (id) places.set(id, placeOf(pod, container, chosen));
      }
    }
  }
  return places;
}

function placeOf(pod: Pod, container: ContainerStatus, chosen: readonly PodLabel[]): PodPlace {
  const { name = '', namespace = '', uid = '', labels: podLabels = {} } = pod.metadata ?? {};
  const controller = pod.metadata?.ownerReferences?.find((owner) => owner.controller);
  const node = pod.spec?.nodeName ?? '';
  const labels: Labels = {};
  for (const { podLabel, label } of chosen) {
    const value = podLabels[podLabel];
    if (value) labels[label] ??= value;
  }
  const meta: Labels = {
    __meta_kubernetes_namespace: namespace,
    __meta_kubernetes_pod_name: name,
    __meta_kubernetes_pod_uid: uid,
    __meta_kubernetes_pod_ip: pod.status?.podIP ?? '',
    __meta_kubernetes_pod_node_name: node,
    __meta_kubernetes_pod_controller_kind: controller?.kind ?? '',
    __meta_kubernetes_pod_controller_name: controller?.name ?? '',
    __meta_kubernetes_pod_container_name: container.name ?? '',
    __meta_kubernetes_pod_container_image: container.image ?? '',
  };
  for (const [podLabel, value] of Object.entries(podLabels)) {
    meta[`__meta_kubernetes_pod_label_${labelNameOf(podLabel)}`] = value;
    meta[`__meta_kubernetes_pod_labelpresent_${labelNameOf(podLabel)}`] = 'true';
  }
  return {
    labels: { ...labels, namespace, pod: name, container: container.name ?? '', node },
    meta,
  };
}
