/** Holds the deletion of groups and prefix lists that are in use (S-19). */
export const inUseFinalizer = "sallyport.dev/in-use";

/** Releases a held deletion, whatever its value but "false" (S-19). */
export const forceDeleteAnnotation = "sallyport.dev/force-delete";
