"""Whose business the text of an element is: what may be shown, what names or describes people, what is a secret.

Sources: MS-ASCMD, MS-ASPROV and the item documents (MS-ASEMAIL, MS-ASCAL, MS-ASCNTC ...) for what each element holds.

- open: ids, keys of synchronization, statuses, numbers, sizes, flags, times, names of classes and stores, policy rules;
- personal: names, addresses, subjects, bodies, file names, search words, places, what tells one device from another;
- secret: passwords, policy keys, policy data. No option shows them.

What is not listed is personal; on the page of Provision it is secret. Ids that people can have a hand in (a meeting's
UID, the attachment names of 2.5) are personal. A certificate is public, but names its owner: personal.
"""

from typing import Literal

from dissectors.eas.codepages import key

Kind = Literal["open", "personal", "secret"]

_PROVISION = 14

_OPEN = {
    "AirSync": """
        SyncKey ClientId ServerId Status Class Version CollectionId GetChanges MoreAvailable WindowSize FilterType
        Truncation RTFTruncation Conflict DeletesAsMoves NotifyGUID MIMESupport MIMETruncation Wait Limit Partial
        ConversationMode MaxItems HeartbeatInterval
    """,
    "Contacts": "BodySize BodyTruncated WeightedRank",
    "Email": """
        AttSize AttMethod AttRemoved BodySize BodyTruncated DateReceived Importance MessageClass Read AllDayEvent
        DtStamp EndTime InstanceType BusyStatus RecurrenceId Reminder ResponseRequested Type Until Occurrences
        Interval DayOfWeek DayOfMonth WeekOfMonth MonthOfYear StartTime Sensitivity MIMETruncated MIMESize
        InternetCPID Status ContentClass CompleteTime DisallowNewTimeProposal
    """,
    "AirNotify": "Version Lifetime Enable ServerId Status Id Expiry NotifyGUID",
    "Calendar": """
        AllDayEvent BodyTruncated BusyStatus DtStamp EndTime Deleted ExceptionStartTime MeetingStatus Type Until
        Occurrences Interval DayOfWeek DayOfMonth WeekOfMonth MonthOfYear Reminder Sensitivity StartTime
        AttendeeStatus AttendeeType AttSize AttMethod AttRemoved DisallowNewTimeProposal ResponseRequested
        AppointmentReplyTime ResponseType CalendarType IsLeapMonth FirstDayOfWeek
    """,
    "Move": "SrcMsgId SrcFldId DstFldId Status DstMsgId",
    "GetItemEstimate": "Version Class CollectionId DateTime Estimate Status",
    "FolderHierarchy": "ServerId ParentId Type Status ContentClass SyncKey Count Version",
    "MeetingResponse": """
        CalendarId CollectionId RequestId Status UserResponse Version InstanceId ProposedStartTime ProposedEndTime
        SendResponse
    """,
    "Tasks": """
        BodySize BodyTruncated Complete DateCompleted DueDate UtcDueDate Importance Type Start Until Occurrences
        Interval DayOfMonth DayOfWeek WeekOfMonth MonthOfYear Regenerate DeadOccur ReminderSet ReminderTime
        Sensitivity StartDate UtcStartDate OrdinalDate SubOrdinalDate CalendarType IsLeapMonth FirstDayOfWeek
    """,
    "ResolveRecipients": """
        Status Type CertificateRetrieval RecipientCount MaxCertificates MaxAmbiguousRecipients CertificateCount
        StartTime EndTime MaxSize MaxPictures
    """,
    "ValidateCert": "CheckCRL Status",
    "Ping": "Status HeartbeatInterval Folder Id Class MaxFolders Version",  # Folder: in an answer it holds an id
    "Provision": """
        PolicyType Status RemoteWipe AccountOnlyRemoteWipe DevicePasswordEnabled AlphanumericDevicePasswordRequired
        RequireStorageCardEncryption PasswordRecoveryEnabled DocumentBrowseEnabled AttachmentsEnabled
        MinDevicePasswordLength MaxInactivityTimeDeviceLock MaxDevicePasswordFailedAttempts MaxAttachmentSize
        AllowSimpleDevicePassword DevicePasswordExpiration DevicePasswordHistory AllowStorageCard AllowCamera
        RequireDeviceEncryption AllowUnsignedApplications AllowUnsignedInstallationPackages
        MinDevicePasswordComplexCharacters AllowWiFi AllowTextMessaging AllowPOPIMAPEmail AllowBluetooth AllowIrDA
        RequireManualSyncWhenRoaming AllowDesktopSync MaxCalendarAgeFilter AllowHTMLEmail MaxEmailAgeFilter
        MaxEmailBodyTruncationSize MaxEmailHTMLBodyTruncationSize RequireSignedSMIMEMessages
        RequireEncryptedSMIMEMessages RequireSignedSMIMEAlgorithm RequireEncryptionSMIMEAlgorithm
        AllowSMIMEEncryptionAlgorithmNegotiation AllowSMIMESoftCerts AllowBrowser AllowConsumerEmail
        AllowRemoteDesktop AllowInternetSharing
    """,
    "Search": """
        Name Range Status Total DeepTraversal LongId RebuildResults ConversationId MaxSize MaxPictures
    """,
    "GAL": "Status",
    "AirSyncBase": """
        Type TruncationSize AllOrNone EstimatedDataSize Truncated FileReference Method IsInline NativeBodyType
        ContentType Status ClientId InstanceId
    """,
    "Settings": """
        Status OofState StartTime EndTime AppliesToInternal AppliesToExternalKnown AppliesToExternalUnknown Enabled
        BodyType EnableOutboundSMS AccountId SendDisabled
    """,
    "DocumentLibrary": "IsFolder CreationDate LastModifiedDate IsHidden ContentLength ContentType",
    "ItemOperations": "Store Range Total Status Version Part DeleteSubFolders DstFldId ConversationId MoveAlways",
    "ComposeMail": "SaveInSentItems ReplaceMime Type FolderId ItemId LongId InstanceId ClientId Status AccountId",
    "Email2": """
        UmAttDuration UmAttOrder ConversationId ConversationIndex LastVerbExecuted LastVerbExecutionTime ReceivedAsBcc
        CalendarType IsLeapMonth AccountId FirstDayOfWeek MeetingMessageType IsDraft Send
    """,
    "Notes": "MessageClass LastModifiedDate",
    "RightsManagement": """
        RightsManagementSupport EditAllowed ReplyAllowed ReplyAllAllowed ForwardAllowed ModifyRecipientsAllowed
        ExtractAllowed PrintAllowed ExportAllowed ProgrammaticAccessAllowed ContentExpiryDate TemplateID
        RemoveRightsManagementProtection
    """,
    "Find": "SearchId Status Range DeepTraversal HasAttachments Total MaxPictures MaxSize",
}
_SECRET = {
    "Search": "Password",
    "Settings": "DevicePassword Password",  # the recovery password of the device
    "ItemOperations": "Password",
}
# Ids and flags among the parameters of the query, by their plain names in lower case (MS-ASHTTP 2.2.1.1.1.1.3).
_OPEN_PARAMETERS = frozenset(
    ("collectionid", "itemid", "longid", "parentid", "occurrence", "saveinsent", "acceptmultipart")
)


def _keys(table: dict[str, str]) -> frozenset[int]:
    return frozenset(key(f"{page}:{tag}") for page, tags in table.items() for tag in tags.split())


_OPEN_KEYS = _keys(_OPEN)
_SECRET_KEYS = _keys(_SECRET)


def kind_of(page: int, token: int) -> Kind:
    """What the text or opaque data directly inside the element with this token of this code page is.

    An element that none knows is personal.
    """
    found = page << 8 | token
    if found in _OPEN_KEYS:
        return "open"
    return "secret" if found in _SECRET_KEYS or page == _PROVISION else "personal"


def kind_of_parameter(name: str) -> Kind:
    """What the value of a parameter of the query is; names of attachments and folders are personal."""
    return "open" if name.lower() in _OPEN_PARAMETERS else "personal"
