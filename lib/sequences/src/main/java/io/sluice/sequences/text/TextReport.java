package io.sluice.sequences.text;

import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.text.dataset.TextManifest.Duplicates;
import io.sluice.sequences.text.dataset.TextManifest.SplitSummary;
import java.util.List;
import java.util.Map;

/**
 * What one run of build-sequences did with text; the last line of the job's output as JSON.
 *
 * @param dataset the folder that was published
 * @param layout documents or stream
 * @param files of all sources
 * @param tokenisedFiles of them, those that this run read; the tokens of others were kept
 * @param documents in all files
 * @param rejectedDocuments that could not be used, by reason
 * @param rejectedShare of all
 * @param rejects where they are kept
 * @param replacedDocuments whose bytes were not all UTF-8
 * @param vocabularySize V
 * @param vocabularyHash SHA-256 of the vocabulary file
 * @param classes names by index
 * @param splits what each split holds
 * @param duplicates texts that stand more than once
 * @param writtenSplits whose Parquet this run wrote; that of others was kept, and none of an
 *     unchanged source
 * @param parts Parquet files in the dataset
 * @param warnings what a person should look at
 * @param audit its result
 * @param seconds wall-clock time
 */
public record TextReport(
    String dataset,
    String layout,
    long files,
    long tokenisedFiles,
    long documents,
    Map<String, Long> rejectedDocuments,
    double rejectedShare,
    String rejects,
    long replacedDocuments,
    int vocabularySize,
    String vocabularyHash,
    List<String> classes,
    Map<String, SplitSummary> splits,
    Duplicates duplicates,
    List<String> writtenSplits,
    int parts,
    List<String> warnings,
    Audit audit,
    double seconds) {}
