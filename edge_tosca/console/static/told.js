// An error whose message may be shown to a user as it is. Any other error is a fault of this page.

export class Told extends Error {}
