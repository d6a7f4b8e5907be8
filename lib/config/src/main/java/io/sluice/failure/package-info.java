/**
 * What a user met, in words and an exit status.
 *
 * <p>Main type: {@link io.sluice.failure.UserFailure}. A user failure is shown as its message
 * alone, without a stack trace, and ends the job with the status of its kind; anything else that is
 * thrown is a defect or an outage, is shown with its trace and ends with status 1. The message
 * follows one pattern: what could not be done, the value, the rule, where, what to do.
 *
 * <p>Depends on nothing.
 */
package io.sluice.failure;
