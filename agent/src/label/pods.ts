import type { Labels } from '@bunsen/profile';

/** Where a container runs, as Kubernetes tells it. */
export interface PodPlace {
  /** For each series: namespace, pod, container, node, and the pod's labels that were chosen. */
  labels: Labels;
  /** For relabelling alone: `__meta_kubernetes_*`. */
  meta: Labels;
}

/** Finds the pod of a container. */
export interface Pods {
  /** @returns undefined if Kubernetes does not know it (yet) */
  find(containerId: string): PodPlace | undefined;
}
