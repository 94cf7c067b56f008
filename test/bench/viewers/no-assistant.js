export const OpenAssistantButton = () => null;
export const createAssistantContextItem = () => undefined;
export const useAssistant = () => [false];
