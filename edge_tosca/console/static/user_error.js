// An error whose message may be shown to a user as it is. Any other error is a bug in this page.

export class UserError extends Error {}
