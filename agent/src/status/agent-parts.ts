import type { Governor } from '../govern/governor.ts';
import type { KubernetesPods } from '../label/kubernetes.ts';
import type { Sampler } from '../sample/native.ts';
import type { Spool } from '../ship/spool.ts';
import type { Accounting } from './accounting.ts';
import type { WalksByProcess } from './walks.ts';

/** What an agent tells of itself. */
export interface AgentParts {
  host: string;
  serverUrl: string;
  /** What it cannot do on this kernel, for people. */
  limits: string[];
  sampler: Pick<Sampler, 'counters'>;
  spool: Spool;
  accounting: Accounting;
  governor: Governor;
  walks: WalksByProcess;
  /** Undefined if Kubernetes is not asked. */
  pods: Pick<KubernetesPods, 'containers' | 'requests' | 'failure'> | undefined;
}
