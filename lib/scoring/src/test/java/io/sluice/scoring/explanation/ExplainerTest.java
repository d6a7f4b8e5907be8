package io.sluice.scoring.explanation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.config.Provenance;
import io.sluice.recurrent.kernel.Cell;
import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.kernel.Precision;
import io.sluice.recurrent.model.Attention;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.Networks;
import io.sluice.recurrent.model.OptimizerSpec;
import io.sluice.recurrent.model.WordEmbedding;
import io.sluice.scoring.bundle.BundleContents;
import io.sluice.scoring.bundle.BundlePublisher;
import io.sluice.scoring.bundle.DocumentPredictor;
import io.sluice.scoring.bundle.ModelBundle;
import io.sluice.sequences.text.TextBuild;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExplainerTest {
  private static final int UNKNOWN = 1;

  @TempDir static Path folder;
  private static TextDataset dataset;

  @BeforeAll
  static void build() {
    TextBuild build =
        TextBuild.in(folder)
            .text("reports.csv", "id,label,text\n1,x,a b c d\n2,y,d c e\n3,z,e b f\n")
            .with("source { format = csv, columns { id = id, label = label, text = text } }")
            .with("text.vocabulary.min-count = 1, split { validation = 0, test = 0 }");
    build.run();
    dataset = build.open();
  }

  private static ModelBundle bundle(Attention attention) {
    ModelSpec spec =
        new ModelSpec(
                1,
                3,
                Cell.LSTM,
                List.of(4),
                false,
                0,
                ModelSpec.Output.LAST,
                List.of(),
                1,
                Precision.F32,
                Head.classes(3, List.of()),
                attention,
                false,
                false,
                0)
            .with(WordEmbedding.of(dataset.vocabulary().size(), 5));
    String uri =
        BundlePublisher.publish(
                folder.resolve("registry").toString(),
                "reports",
                Optional.empty(),
                Networks.create(spec, OptimizerSpec.constantAdam(0.01), 1),
                new BundleContents(
                    spec,
                    dataset,
                    Map.of(),
                    new Provenance("run", "code", "config", Instant.EPOCH)),
                new Configuration())
            .uri();
    return ModelBundle.open(uri, new Configuration());
  }

  /** By how much the probability of class y falls with unknown tokens from..to − 1. */
  private static float fall(DocumentPredictor predictor, int[] ids, int y, int from, int to) {
    int[] occluded = ids.clone();
    java.util.Arrays.fill(occluded, from, to, UNKNOWN);
    return predictor.probabilities(TextBatch.of(0, List.of(ids)))[y]
        - predictor.probabilities(TextBatch.of(0, List.of(occluded)))[y];
  }

  @Test
  void occlusionIsTheFallOfTheProbabilityTokenByToken() {
    ModelBundle bundle = bundle(Attention.additive(3));
    int[] ids = new Random(2).ints(150, 1, dataset.vocabulary().size()).toArray(); // three batches
    ids[7] = UNKNOWN;
    try (Explainer explainer = new Explainer(bundle, Device.CPU);
        DocumentPredictor predictor = bundle.newDocumentPredictor()) {
      Explanation explanation = explainer.explain(ids, 2);

      assertThat(explanation.window()).isEqualTo(1);
      float most = 0;
      for (int t = 0; t < ids.length; t++) {
        assertThat(explanation.occlusion()[t])
            .as("token %d", t)
            .isCloseTo(fall(predictor, ids, 2, t, t + 1), within(3e-7f));
        most = Math.max(most, Math.abs(explanation.occlusion()[t]));
      }
      assertThat(most).isGreaterThan(1e-4f);
      assertThat(explanation.occlusion()[7]).isCloseTo(0, within(3e-7f));
      DocumentPredictor.Attended attended = predictor.attended(TextBatch.of(0, List.of(ids)));
      assertThat(explanation.attention()).isEqualTo(attended.weights());
      assertThat(explanation.probability()).isEqualTo(attended.probabilities()[2]);
    }
  }

  @Test
  void tokensOfALongDocumentAreOccludedTogether() {
    ModelBundle bundle = bundle(Attention.NONE);
    int[] ids = new Random(3).ints(1025, 2, dataset.vocabulary().size()).toArray();
    try (Explainer explainer = new Explainer(bundle, Device.CPU);
        DocumentPredictor predictor = bundle.newDocumentPredictor()) {
      Explanation explanation = explainer.explain(ids, 0);

      assertThat(explanation.attention()).isNull();
      assertThat(explanation.rankCorrelation()).isEmpty();
      assertThat(explanation.window()).isEqualTo(2);
      for (int t : new int[] {0, 126, 128, 1018, 1020, 1022}) {
        float fall = fall(predictor, ids, 0, t, t + 2);
        assertThat(explanation.occlusion()[t]).as("token %d", t).isCloseTo(fall, within(3e-7f));
        assertThat(explanation.occlusion()[t + 1]).isEqualTo(explanation.occlusion()[t]);
      }
      assertThat(explanation.occlusion()[1024])
          .isCloseTo(fall(predictor, ids, 0, 1024, 1025), within(3e-7f))
          .isNotEqualTo(explanation.occlusion()[1023]);
    }
  }

  @Test
  void aDocumentOfOneTokenHasNoRanksToCompare() {
    try (Explainer explainer = new Explainer(bundle(Attention.additive(3)), Device.CPU)) {
      Explanation explanation = explainer.explain(new int[] {3}, 1);

      assertThat(explanation.attention()).containsExactly(1);
      assertThat(explanation.occlusion()).hasSize(1);
      assertThat(explanation.rankCorrelation()).isEmpty();
    }
  }
}
