/** Stable codes of what keeps the agent from doing its work. */
export type AgentErrorCode =
  | 'CONFIG_INVALID'
  | 'ADDON_MISSING'
  | 'SAMPLER_UNAVAILABLE'
  | 'SPOOL_UNUSABLE';

/** Ends the agent with exit code 2: starting it again the same way would fail the same way. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
