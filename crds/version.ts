/** API group of the objects that users write. */
const apiGroup = "sallyport.dev";

/** API version of the objects that users write. */
export const apiVersion = `${apiGroup}/v1alpha1` as const;
