package io.sluice.sequences.text;

import io.sluice.config.ConfigReader;
import io.sluice.config.Provenance;
import io.sluice.failure.InvalidInputException;
import io.sluice.failure.QualityGateException;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.source.RejectsTable;
import io.sluice.sequences.spark.JobDescription;
import io.sluice.sequences.text.Corpus.Contents;
import io.sluice.sequences.text.KeptTokens.Built;
import io.sluice.sequences.text.dataset.TextManifest;
import io.sluice.sequences.text.dataset.TextManifest.SplitSummary;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.Tokenisation;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns text into a dataset; see the package for the order of things.
 *
 * <p>Builds aside and publishes whole: readers see the old dataset or the new one. A run that fails
 * leaves the old one in place, with one exception: a dataset whose audit failed is published,
 * marked as such, so that a person can look at it; training refuses it.
 */
public final class TextBuilder {
  private static final Logger LOG = LoggerFactory.getLogger(TextBuilder.class);

  private final SparkSession spark;
  private final TextSettings settings;
  private final Provenance provenance;
  private final Configuration hadoop;
  private final Lake lake;
  private final List<String> warnings = new ArrayList<>();
  private final long startNanos = System.nanoTime();

  private TextBuilder(SparkSession spark, TextSettings settings, Provenance provenance) {
    this.spark = spark;
    this.settings = settings;
    this.provenance = provenance;
    this.hadoop = spark.sessionState().newHadoopConf();
    this.lake = Lake.of(hadoop);
  }

  /**
   * Builds and publishes the dataset.
   *
   * @throws InvalidInputException if the source cannot be used
   * @throws QualityGateException if the audit fails, or there are duplicates and none are wanted
   */
  public static TextReport build(SparkSession spark, TextSettings settings, Provenance provenance) {
    return new TextBuilder(spark, settings, provenance).run();
  }

  private TextReport run() {
    RejectsTable.requireOwnFolders(settings.dataset().path(), settings.reject().path(), hadoop);
    // the lock comes first: whoever is second learns it before a pass over the source
    try (StagedFolder staged = stage(settings.dataset().path())) {
      WordList words = WordList.open(settings, lake);
      Reading reading = Reading.of(settings, words.tokenizerJson());
      if (!settings.dataset().incremental()) {
        TokenTable table =
            describing("tokenise", () -> TokenTable.write(spark, reading, staged.uri()));
        return build(staged, table, words, LastBuild.none()).report();
      }
      LastBuild last =
          LastBuild.of(
              settings, provenance.codeVersion(), words.tokenizerJson(), words.given(), hadoop);
      var state = SourceState.list(settings.source(), hadoop);
      KeptTokens kept = KeptTokens.open(settings.dataset().path(), hadoop);
      String rejects = lake.qualified(settings.reject().path());
      Optional<Built> unchanged =
          last.isThere()
              ? kept.built(last.manifest().seal(), state.hash(), rejects)
              : Optional.empty();
      if (unchanged.isPresent()) {
        LOG.info("unchanged  | files and settings are those of the last build: nothing to do");
        warnings.addAll(unchanged.get().warnings());
        return report(last.manifest(), 0, List.of());
      }
      TokenTable table =
          describing(
              "tokenise",
              () ->
                  TokenTable.write(
                      spark,
                      reading,
                      settings.preparation().get("source"),
                      provenance.codeVersion(),
                      state,
                      kept));
      kept.forgetBuilt();
      Result result = build(staged, table, words, last);
      kept.published(
          new Built(result.manifest().seal(), state.hash(), rejects, List.copyOf(warnings)));
      return result.report();
    }
  }

  private record Result(TextManifest manifest, TextReport report) {}

  private Result build(StagedFolder staged, TokenTable table, WordList words, LastBuild last) {
    table.requireDocuments();
    LOG.info(
        "read       | {} documents of {} files, {} of them tokenised now, {} documents rejected",
        table.documents(),
        table.files(),
        table.tokenisedFiles(),
        sum(table.rejected()));
    Corpus all = describing("labels", () -> Corpus.of(table, settings));
    keepRejects(all);
    String id = settings.source().idColumn();
    if (id != null && settings.dataset().layout() == Layout.DOCUMENTS) {
      describing("names", all::repeatedNames).warning(id).ifPresent(warnings::add);
    }
    DuplicateTexts duplicates =
        describing(
            "duplicates",
            () ->
                DuplicateTexts.of(
                    all,
                    settings.text().duplicates(),
                    settings.dataset().layout() == Layout.STREAM,
                    warnings));
    Corpus corpus = duplicates.corpus();
    Map<Split, Contents> contents = describing("contents", corpus::contents);
    requireTrain(contents);
    // then its words are counted, and the count is audited
    boolean trainIsSame = last.has(Split.TRAIN, contents.get(Split.TRAIN).contentHash());
    Vocabulary vocabulary =
        describing("vocabulary", () -> trainIsSame ? last.vocabulary() : words.vocabulary(corpus));
    TextContract contract = contract(corpus, vocabulary, words.tokenizerJson());
    LOG.info("vocabulary | {} tokens of the train split", vocabulary.size());
    SplitParts parts =
        describing(
            "write",
            () ->
                SplitParts.write(
                    new DatasetWriting(spark, staged, settings),
                    corpus,
                    contract,
                    vocabulary,
                    contents,
                    last));
    Map<Split, TreeMap<String, Long>> labels = describing("labels", corpus::labels);
    warnOfOneClass(labels.get(Split.TRAIN));
    Audit audit =
        describing(
            "audit",
            () ->
                TextAudit.of(
                    spark,
                    staged.uri(),
                    parts.parts(),
                    corpus,
                    vocabulary,
                    words.given() != null
                        ? TextAudit.givenVocabulary()
                        : trainIsSame ? last.vocabularyCheck() : null,
                    duplicates.found()));
    Map<String, SplitSummary> splits =
        SplitSummaries.of(contents, labels, parts.unknown(), contract);
    TextManifest manifest =
        manifest(table, contract, vocabulary, splits, parts.parts(), duplicates, audit).sealed();
    publish(staged, manifest, vocabulary, words.tokenizerJson());
    TextReport report = report(manifest, table.tokenisedFiles(), parts.writtenSplits());
    requireAudit(audit);
    return new Result(manifest, report);
  }

  private <T> T describing(String what, Supplier<T> work) {
    long start = System.nanoTime();
    try (var ignored = JobDescription.set(spark.sparkContext(), "build-sequences: " + what)) {
      return work.get();
    } finally {
      LOG.debug("{} took {} s", what, "%.1f".formatted((System.nanoTime() - start) / 1e9));
    }
  }

  private StagedFolder stage(String path) {
    return StagedFolder.open(path, provenance.runId(), StagedFolder.LOCK_STALE_AFTER, hadoop);
  }

  private void keepRejects(Corpus corpus) {
    TokenTable table = corpus.table();
    TreeMap<String, Long> rejected = table.rejected();
    long n = sum(rejected);
    try (StagedFolder folder = stage(settings.reject().path())) {
      describing(
          "rejects",
          () -> {
            RejectsTable.write(settings.described(0), corpus.rejects(), n, folder);
            return null;
          });
    }
    table.requireFewRejected(
        settings.reject().maxShare(),
        Set.of(),
        settings.reject().path(),
        "correct the data or the settings of source and text");
    table.warningOfReplaced().ifPresent(warnings::add);
  }

  private void requireTrain(Map<Split, Contents> contents) {
    if (contents.get(Split.TRAIN).tokens() == 0) {
      throw new InvalidInputException(
          "%s leaves nothing to train on: the train split has %d documents and no token. Give more text, or lower split.validation and split.test."
              .formatted(settings.described(0), contents.get(Split.TRAIN).documents()));
    }
    for (Split split : List.of(Split.VALIDATION, Split.TEST)) {
      if (contents.get(split).documents() == 0 && isWanted(split)) {
        warnings.add(
            "The %s split is empty. Give more text, or set split.%s = 0."
                .formatted(split.label(), split.label()));
      }
    }
  }

  private boolean isWanted(Split split) {
    return settings.source().paths().get(split.ordinal()) != null
        || (split == Split.VALIDATION ? settings.split().validation() : settings.split().test())
            > 0;
  }

  private void warnOfOneClass(Map<String, Long> documentsByClass) {
    if (documentsByClass.size() == 1) {
      warnings.add(
          "Every document of the train split has the label %s: there is nothing to tell apart. Check source.columns.label and the source."
              .formatted(documentsByClass.keySet().iterator().next()));
    }
  }

  private TextContract contract(Corpus corpus, Vocabulary vocabulary, String tokenizerJson) {
    Tokenisation t = settings.text().tokenisation();
    return new TextContract(
        settings.dataset().layout(),
        new Tokenisation(
            t.html(),
            t.unicode(),
            t.lowercase(),
            t.tokens(),
            t.dropPunctuation(),
            t.lineEnd(),
            tokenizerJson == null ? null : Provenance.sha256(tokenizerJson)),
        vocabulary.size(),
        vocabulary.hash(),
        vocabulary.padId(),
        vocabulary.unknownId(),
        vocabulary.lineEndId(),
        settings.text().maxTokens(),
        settings.text().truncate(),
        corpus.classes());
  }

  private static long sum(Map<String, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  private TextManifest manifest(
      TokenTable table,
      TextContract contract,
      Vocabulary vocabulary,
      Map<String, SplitSummary> splits,
      List<TextManifest.Part> parts,
      DuplicateTexts duplicates,
      Audit audit) {
    return new TextManifest(
        TextManifest.FORMAT,
        settings.name(),
        contract,
        vocabulary.special(),
        settings.preparation(),
        splits,
        parts,
        new TextManifest.Source(
            settings.source().path(),
            table.files(),
            table.documents(),
            table.replaced(),
            table.hash()),
        table.rejected(),
        duplicates.found(),
        settings.hash(),
        provenance.codeVersion(),
        provenance.startedAt().toString(),
        audit,
        null);
  }

  private void publish(
      StagedFolder staged, TextManifest manifest, Vocabulary vocabulary, String tokenizerJson) {
    lake.delete(staged.uri() + "/" + TokenTable.FOLDER); // there unless tokens are kept
    lake.writeTextAtomically(staged.uri() + "/" + Vocabulary.FILE_NAME, vocabulary.toText());
    if (tokenizerJson != null) {
      lake.writeTextAtomically(
          staged.uri() + "/" + TextManifest.TOKENIZER_FILE_NAME, tokenizerJson);
    }
    lake.writeTextAtomically(
        staged.uri() + "/" + TextManifest.FILE_NAME, ManifestJson.write(manifest));
    staged.publish();
  }

  private void requireAudit(Audit audit) {
    if (!audit.passed()) {
      throw new QualityGateException(
          "The audit of %s failed: %s. Training refuses this dataset."
              .formatted(settings.dataset().path(), audit.failed()));
    }
  }

  private TextReport report(
      TextManifest manifest, long tokenisedFiles, List<String> writtenSplits) {
    manifest
        .splits()
        .forEach(
            (split, s) ->
                LOG.info(
                    "{} | {} documents, {} tokens, {} % unknown",
                    split, s.documents(), s.tokens(), "%.2f".formatted(100 * s.unknownShare())));
    warnings.forEach(w -> LOG.warn("{}", w));
    return new TextReport(
        settings.dataset().path(),
        ConfigReader.kebab(manifest.contract().layout()),
        manifest.source().files(),
        tokenisedFiles,
        manifest.source().documents(),
        manifest.rejectedDocuments(),
        (double) sum(manifest.rejectedDocuments()) / manifest.source().documents(),
        settings.reject().path(),
        manifest.source().replacedDocuments(),
        manifest.contract().vocabularySize(),
        manifest.contract().vocabularyHash(),
        manifest.contract().classes(),
        manifest.splits(),
        manifest.duplicates(),
        writtenSplits,
        manifest.parts().size(),
        List.copyOf(warnings),
        manifest.audit(),
        (System.nanoTime() - startNanos) / 1e9);
  }
}
