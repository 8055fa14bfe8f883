/** Who wrote a field, for the API server's bookkeeping of server-side apply. One for everything that is written. */
export const fieldManager = "sallyport-operator";

/** Who asks, in the API server's logs. */
export const userAgent = "sallyport-operator";

/** Who tells events (`reportingController`). */
export const controllerName = "sallyport.dev/operator";
