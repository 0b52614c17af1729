"""MOSTLY AI's generator. It is trained and sampled in a supervised process, one process for each cycle.

train               the caller's side: starts the process, follows its events, decodes the rows
job                 the process's side, and the only module that imports `mostlyai.engine`
supervised_process  how a process is started, listened to and killed
column_codecs       columns in a form that the engine cannot misread, and back
number_codec        numbers: frequent values, and ranges with the endings on which they heap up (`endings`)
text_codec          text: frequent values, and others in place of the rare ones (`made_up_text`)
temporary_folder    the folder of a training, which never outlives it
"""
