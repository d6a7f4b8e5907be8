package io.sluice.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.failure.InvalidInputException;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationPageTest {
  private static final String HOSTILE = "</script><script>document.title='owned'</script><b>&\"'";
  private static final List<String> PUMPS = List.of("pump-1", "pump-2", "valve-1");

  private static final List<String> REVIEW =
      List.of("The", "plot", "isn't", "clever", "(", "at", "all", ")", ",", "<unk>", "!");

  /** Runs in the page: what of its looks a test can tell. */
  private static final String LOOK =
      """
      <script>
        const data = document.documentElement.dataset;
        const style = e => getComputedStyle(e);
        data.directions = [...document.querySelectorAll(".occlusion .words")].map(e => style(e).direction).join(" ");
        data.marks = style(document.querySelector(".words .against")).textDecorationLine;
        data.wider = document.documentElement.scrollWidth - document.documentElement.clientWidth;
      </script>
      """;

  @TempDir Path folder;

  @Test
  void theHeadlineSaysByHowMuchTheStrongestBaselineIsBeaten() throws IOException {
    String page = page(SampleEvaluation.forecast(PUMPS, List.of("flow"), 24));

    // 0.98 · 0.41 against ARIMA's 1.2 · 0.41
    assertThat(page)
        .contains(
            "The model beats every baseline. The strongest is ARIMA: the model&#39;s mean squared error on scaled values is 18\u00a0% lower (0.4018 against 0.4920).")
        .contains("Seasonal naive weekly: known for 93.1 % of the values")
        .contains("Oracle: not available: time is ordinal.")
        .contains("Quality gate passed");
  }

  @Test
  void aModelThatLosesIsSaidToLose() throws IOException {
    ObjectNode evaluation = SampleEvaluation.forecast(PUMPS, List.of("flow"), 24);
    ((ObjectNode) evaluation.at("/baselines/1/metrics")).put("mse-scaled", 0.2);

    assertThat(page(evaluation))
        .contains(
            "<h1 class=\"worse\">The model does not beat seasonal naive daily: its mean squared error on scaled values is 101\u00a0% higher");
  }

  @Test
  void alarmsAreJudgedByPrecisionAndRecallAgainstTheStrongestBaseline() throws IOException {
    assertThat(page(SampleEvaluation.event(PUMPS)))
        .contains(
            "<p class=\"lead\">The model finds 80\u00a0% of the events with false alarms in 6.0\u00a0% of the other windows.</p>",
            "<h1 class=\"better\">The model beats every baseline. The strongest is logistic regression: the model&#39;s PR AUC is 100\u00a0% higher (0.6200 against 0.3100).")
        .contains("An alarm is raised from a probability of 0.3100 on.")
        .contains("Always alarm", "Majority class");
  }

  @Test
  void remainingLifeIsJudgedAgainstTheTrainMean() throws IOException {
    assertThat(page(SampleEvaluation.life(PUMPS)))
        .contains(
            "Remaining life is off by 15.40 steps (RMSE), and by 14.10 at the last window of each series.</p>",
            "The model beats every baseline. The strongest is train mean: the model&#39;s root mean squared error is 63\u00a0% lower (15.40 against 41.20).");
  }

  @Test
  void documentsAreJudgedByTheirAccuracy() throws IOException {
    String withoutScripts =
        page(SampleEvaluation.document()).replaceAll("(?s)<script.*?</script>", "");
    assertThat(withoutScripts)
        .contains(
            "The class is right in 91\u00a0% of the documents.</p>",
            "The model beats every baseline. The strongest is majority class: the model&#39;s accuracy is 82\u00a0% higher (0.9100 against 0.5000).",
            "of up to 400 tokens",
            "Calibration error")
        .doesNotContain("Windows", "Origins", "An alarm is raised", "null");
  }

  @Test
  void confidenceIsHeldAgainstAccuracyInAPlotAndInWords() throws IOException {
    String page = page(SampleEvaluation.document());

    assertThat(page)
        .contains(
            "<li title=\"\"><span class=\"value\">0.0310</span><span class=\"label\">Calibration error</span></li>",
            "role=\"img\" aria-label=\"Reliability diagram",
            "\"reliability\":[{\"from\":0.5,\"to\":0.6,\"count\":1250,\"confidence\":0.56,\"accuracy\":0.52}");
    assertThat(page.replaceAll("<[^>]*>", " ").replaceAll("\\s+", " "))
        .contains("90\u00a0% to 100\u00a0% 96\u00a0% 92\u00a0% 2,250");
    assertThat(page(SampleEvaluation.event(PUMPS))).doesNotContain("id=\"reliability-chart\"");
  }

  @Test
  void ofManyClassesTheWorstAreShownAndNoMatrix() throws IOException {
    ObjectNode evaluation = SampleEvaluation.document();
    ObjectNode classes = evaluation.withObject("/classes");
    classes.putArray("confusion");
    classes.putArray("perClass");
    for (int v = 0; v < 200; v++) {
      classes
          .withArray("perClass")
          .addObject()
          .put("name", "class-" + v)
          .put("count", 7)
          .putObject("metrics")
          .put("f1", 1 - v / 200.0);
    }

    assertThat(page(evaluation))
        .contains("The 50 worst of 200; all are in evaluation.json.", "class-199", "class-150")
        .doesNotContain("class-149", "Confusion matrix");
  }

  @Test
  void tokensAreJudgedByTheirPerplexity() throws IOException {
    String withoutScripts =
        page(SampleEvaluation.token()).replaceAll("(?s)<script.*?</script>", "");
    assertThat(withoutScripts)
        .contains(
            "The next token is as hard to tell as one of 115.9 that are equally likely.</p>",
            "The strongest is unigram: the model&#39;s perplexity is 83\u00a0% lower (115.9 against 680.2).",
            "82,429 of split test, in streams of 82,430",
            "Bits per token")
        .doesNotContain("Windows", "Documents", "Origins", "null");
  }

  @Test
  void withoutABaselineThereIsNoVerdict() throws IOException {
    ObjectNode evaluation = SampleEvaluation.event(PUMPS);
    evaluation.putArray("baselines");

    assertThat(page(evaluation))
        .contains("<h1 class=\"plain\">PR AUC is 0.6200; there is no baseline to compare with.");
  }

  @Test
  void thePageAsksTheNetworkForNothing() throws IOException {
    String page = page(SampleEvaluation.forecast(PUMPS, List.of("flow"), 24));

    assertThat(page).contains("default-src 'none'");
    assertThat(page.replaceAll("(?s)<script.*?</script>", ""))
        .doesNotContain("src=", "@import", "http://", "https://", "url(");
    assertThat(page.length()).isLessThan(1_000_000);
  }

  @Test
  void namesFromDataAreText() throws IOException {
    ObjectNode evaluation = SampleEvaluation.forecast(List.of(HOSTILE, "b"), List.of(HOSTILE), 3);
    evaluation.put("name", HOSTILE);

    String page = page(evaluation);

    assertThat(page).doesNotContain("<b>&", "<script>document").contains("&lt;b&gt;&amp;");
  }

  @Test
  void anotherFormatIsRefused() {
    var evaluation = SampleEvaluation.life(PUMPS).put("format", "evaluation.v9");

    assertThatThrownBy(() -> page(evaluation))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "Cannot draw the evaluation's page: its format is evaluation.v9, this version draws evaluation.v1. Run evaluate again.");
  }

  @Test
  void aBrowserDrawsEveryChartOfAForecastWithoutAComplaint() throws Exception {
    // a chart of steps, three tracks of the first channel, two histograms
    assertDrawn(SampleEvaluation.forecast(PUMPS, List.of("flow", "load"), 24), 1 + 3 + 2);
  }

  @Test
  void aBrowserDrawsEveryChartOfEventsWithoutAComplaint() throws Exception {
    assertDrawn(SampleEvaluation.event(PUMPS), 2 + 3);
  }

  @Test
  void aBrowserDrawsEveryChartOfDocumentsWithoutAComplaint() throws Exception {
    assertDrawn(SampleEvaluation.document(), 3);
  }

  @Test
  void aBrowserDrawsEveryChartOfRemainingLifeWithoutAComplaint() throws Exception {
    assertDrawn(SampleEvaluation.life(PUMPS), 3 + 1);
  }

  @Test
  void aBrowserRunsNoScriptFromNames() throws Exception {
    ObjectNode evaluation = SampleEvaluation.forecast(List.of(HOSTILE), List.of(HOSTILE), 3);
    evaluation.put("name", HOSTILE);

    Chromium.Opened opened = assertDrawn(evaluation, 3);

    assertThat(opened.document()).doesNotContain("<title>owned");
  }

  @Test
  void wordsAreTextThatCanBeFoundWithWhatTheyWeigh() throws IOException {
    String page = page(SampleEvaluation.explained("doc-1", REVIEW));

    assertThat(page.replaceAll("<[^>]*>", ""))
        .contains(
            "The plot isn&#39;t clever (at all), &lt;unk&gt;!",
            "هذا الفيلم ليس جيدا، بل &lt;unk&gt; ممل.",
            "这部电影不好。《题》",
            "Rank correlation of attention and occlusion: −0.31.",
            "3 consecutive words were taken away together");
    assertThat(page)
        .contains(
            "Wrong: “no failure” at 0.9312, is “failure” <span class=\"id\">document doc-1</span>",
            "Undecided: “no failure” at 0.9312, no label",
            "<span class=\"for negation\" style=\"--w:50%\" title=\"+0.2500\">isn&#39;t</span>",
            "<span class=\"against\" style=\"--w:20%\" title=\"−0.1000\">clever</span>",
            "<li><bdi class=\"negation\">isn&#39;t</bdi> +0.2500</li><li><bdi>clever</bdi> −0.1000</li>",
            "<li><bdi>plot</bdi> 0.5000</li>");
  }

  @Test
  void negationsAreHeldAgainstARandomOrder() throws IOException {
    assertThat(page(SampleEvaluation.explained("doc-1", REVIEW)).replaceAll("<[^>]*>", ""))
        .contains(
            "Without their negations 612 of the 20,000 documents that have one change class (3.1\u00a0%).",
            "among the 10 words that weigh most? In the 200 of these documents that a hash of their ids draws:",
            "By attention6030\u00a0%",
            "By occlusion16080\u00a0%",
            "In a random order66.233\u00a0%");
  }

  @Test
  void aModelWithoutAttentionShowsOcclusionAlone() throws IOException {
    ObjectNode evaluation = SampleEvaluation.explained("doc-1", REVIEW);
    for (JsonNode sample : evaluation.at("/explanations/samples")) {
      ((ObjectNode) sample).remove(List.of("attention", "rankCorrelation"));
    }
    ((ObjectNode) evaluation.at("/explanations/negations"))
        .remove(List.of("inTopByAttention", "rankCorrelation"));

    assertThat(page(evaluation))
        .contains("<figure class=\"occlusion\">", "The model has no attention weights")
        .doesNotContain("<figure class=\"attention\">", "By attention", "Rank correlation");
  }

  @Test
  void aLongDocumentIsShownFromItsBeginning() throws IOException {
    List<String> words = Collections.nCopies(1234, "again");

    assertThat(page(SampleEvaluation.explained("doc-1", words)))
        .contains("234 more words are in evaluation.json.");
  }

  @Test
  void aBrowserShowsWordsOfAnyScriptAndRunsNoneOfThem() throws Exception {
    ObjectNode evaluation =
        SampleEvaluation.explained(HOSTILE, List.of("a", HOSTILE, "\" onclick=\"x", "<img src=x>"));

    Chromium.Opened opened =
        assertDrawn(evaluation, 3, "--window-size=500,900", "--hide-scrollbars");

    assertThat(opened.document())
        .doesNotContain("<title>owned", "<img")
        .contains(
            "data-directions=\"ltr rtl ltr\"", "data-marks=\"underline\"", "data-wider=\"0\"");
  }

  private Chromium.Opened assertDrawn(ObjectNode evaluation, int charts, String... flags)
      throws Exception {
    Optional<Chromium> chromium = Chromium.find(folder);
    assumeTrue(chromium.isPresent(), "no chromium on the PATH: install one to run this test");
    Path page =
        Files.writeString(folder.resolve("index.html"), page(evaluation) + look(evaluation));

    Chromium.Opened opened = chromium.get().open(page, flags);

    String root = opened.document().lines().filter(l -> l.contains("<html")).findFirst().orElse("");
    assertThat(root).contains("data-ready=\"true\"", "data-charts=\"" + charts + "\"");
    assertThat(root).doesNotContain("data-error");
    assertThat(opened.document().split("<canvas", -1)).hasSize(charts + 1);
    assertThat(opened.console()).doesNotContain("CONSOLE");
    return opened;
  }

  private static String look(ObjectNode evaluation) {
    return evaluation.has("explanations") ? LOOK : "";
  }

  private static String page(ObjectNode evaluation) throws IOException {
    var html = new StringWriter();
    EvaluationPage.write(new StringReader(evaluation.toString()), html);
    return html.toString();
  }
}
