import { AgentError } from '../errors.ts';
import type { Sampler } from './native.ts';

/** What each error of the sampler means for the person who runs the agent. */
const REMEDIES: Record<string, string> = {
  BUNSEN_NO_PERMISSION:
    'Run the agent as root, or give it the capabilities CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_SYSLOG.',
  BUNSEN_NO_BTF:
    'Use a kernel with CONFIG_DEBUG_INFO_BTF=y (Debian since 11, RHEL since 8.2), or name a BTF file with BUNSEN_BTF.',
  BUNSEN_PERF_EVENT_FORBIDDEN:
    'Allow perf events: run as root or with CAP_PERFMON, check kernel.perf_event_paranoid and, in a container, its seccomp profile.',
  BUNSEN_OBJECT_MISSING: 'Build it with npm run build.',
};

/**
 * Starts the sampler. @throws AgentError `SAMPLER_UNAVAILABLE` that says what this host lacks and
 * what to do about it
 */
export async function startSampler(sampler: Sampler): ReturnType<Sampler['start']> {
  try {
    return await sampler.start();
  } catch (cause) {
    const { code = '', message } = cause as Error & { code?: string };
    throw new AgentError(
      'SAMPLER_UNAVAILABLE',
      `cannot sample this host: ${message}${REMEDIES[code] ? `\n  ${REMEDIES[code]}` : ''}`,
      { cause },
    );
  }
}
