/**
 * Pages a person looks at, each one self-contained HTML file: no server, no network.
 *
 * <p>Main type: {@link io.sluice.report.EvaluationPage}. Pages are drawn from the JSON that the
 * other rooms wrote (see data-schemas), so this room links to none of them and a page can be drawn
 * again long after the run.
 */
package io.sluice.report;
